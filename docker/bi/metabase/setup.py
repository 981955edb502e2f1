"""Sets up a new Metabase: its first user and the gateway as a database. Does nothing that is done already.

    python3 setup.py http://metabase:3000
"""

import json
import sys
import urllib.request
from pathlib import Path

EMAIL = "demo@example.com"
PASSWORD = "spanwire-demo-1"
DATABASE = json.loads((Path(__file__).parent / "database.json").read_text(encoding="utf-8"))


def main(base):
    """The order is that of Metabase's own first page: the user, then the database."""
    session = sign_in(base)
    known = ask(base, "GET", "/api/database", session=session)["data"]
    if any(database["name"] == DATABASE["name"] for database in known):
        print("the database is there already")
        return
    # Metabase then finds the tables and keys. is_full_sync is off in the file: scanning values would read whole tables upstream.
    ask(base, "POST", "/api/database", DATABASE, session)
    print(f"added the database {DATABASE['name']}")


def sign_in(base):
    """The session of the first user, who is created if there is none."""
    properties = ask(base, "GET", "/api/session/properties")
    if properties["has-user-setup"]:
        return ask(base, "POST", "/api/session", {"username": EMAIL, "password": PASSWORD})["id"]
    return ask(base, "POST", "/api/setup", {
        "token": properties["setup-token"],
        "user": {"email": EMAIL, "password": PASSWORD, "first_name": "Demo", "last_name": "User"},
        "prefs": {"site_name": "spanwire", "site_locale": "en"},
    })["id"]


def ask(base, method, path, body=None, session=None):
    """What the API answers; an error of HTTP ends the program."""
    headers = {"Content-Type": "application/json"} | ({"X-Metabase-Session": session} if session else {})
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(base + path, data=data, headers=headers, method=method)
    with urllib.request.urlopen(request, timeout=120) as answer:
        return json.load(answer)


if __name__ == "__main__":
    main(sys.argv[1].rstrip("/"))
