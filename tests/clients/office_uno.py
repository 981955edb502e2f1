"""Drives a running LibreOffice by UNO; for Debian's /usr/bin/python3, which has the module `uno`.

    office_uno.py    reads one JSON object of what to do from its input, prints what was found as another

The input has `pipe` (where LibreOffice listens), `url` of a database, `user`, `password`, `directory`, and the statements
`narrow` and `types`.
"""

import json
import sys
import time
from contextlib import closing

import uno
from com.sun.star.beans import PropertyValue
from com.sun.star.connection import NoConnectException
from com.sun.star.sdbc import SQLException
from com.sun.star.sheet.DataImportMode import QUERY, SQL, TABLE
from com.sun.star.util import DateTime

SCHEMAS = ("adaline", "respan", "scale", "spanlens", "trulayer")
VIEWS = ("public.", "spanwire.")
TABLES = (("spanlens", "requests"), ("spanlens", "traces"), ("trulayer", "spans"))
BOUND = "created_at > '2020-01-01'"
START_SECONDS = 60
SCROLL_INSENSITIVE = 1004
# Of the metadata's answers: how many columns SDBC says they have.
TABLE_COLUMNS, COLUMN_COLUMNS, KEY_COLUMNS, REFERENCE_COLUMNS, INDEX_COLUMNS, TYPE_COLUMNS = 5, 18, 6, 14, 13, 18
ABOUT_COLUMNS = (
    "getColumnLabel", "getColumnType", "getColumnTypeName", "getPrecision", "getScale", "isNullable", "isSigned", "isAutoIncrement")
FEATURES = (
    "getDatabaseProductName", "getIdentifierQuoteString", "getCatalogTerm", "getSchemaTerm", "getCatalogSeparator", "getSQLKeywords",
    "getMaxColumnNameLength", "getMaxColumnsInIndex", "getDefaultTransactionIsolation", "isReadOnly", "supportsTransactions",
    "supportsGroupBy", "supportsFullOuterJoins", "supportsSchemasInDataManipulation", "supportsCatalogsInDataManipulation",
    "supportsSubqueriesInIns", "supportsUnion", "supportsMixedCaseQuotedIdentifiers", "storesLowerCaseIdentifiers")


class Office:
    """LibreOffice, at the other end of a pipe."""

    def __init__(self, pipe):
        local = uno.getComponentContext()
        resolver = local.ServiceManager.createInstanceWithContext("com.sun.star.bridge.UnoUrlResolver", local)
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                self.context = resolver.resolve(f"uno:pipe,name={pipe};urp;StarOffice.ComponentContext")
                break
            except NoConnectException:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.05)
        self.desktop = self.make("com.sun.star.frame.Desktop")

    def make(self, service):
        """A new object of a service."""
        return self.context.ServiceManager.createInstanceWithContext(service, self.context)


def properties(**values):
    """Named values as UNO takes them."""
    return tuple(PropertyValue(name, 0, value, 0) for name, value in values.items())


def plain(value):
    """A value of UNO as one of JSON."""
    if isinstance(value, (str, int, float, bool)) or value is None:
        return value
    if isinstance(value, (tuple, list)):
        return [plain(one) for one in value]
    if isinstance(value, uno.ByteSequence):
        return value.value.hex()
    return str(value)


def texts(result, count):
    """The rows as texts; NULL is None."""
    rows = []
    while result.next():
        row = []
        for at in range(1, count + 1):
            text = result.getString(at)
            row.append(None if result.wasNull() else text)
        rows.append(row)
    result.close()
    return rows


def read(connection, sql):
    """A statement's columns and rows; closed here, because one that outlives its connection can crash LibreOffice."""
    with closing(connection.createStatement()) as made:
        result = made.executeQuery(sql)
        about = result.getMetaData()
        count = about.getColumnCount()
        columns = [[plain(getattr(about, name)(at)) for name in ABOUT_COLUMNS] for at in range(1, count + 1)]
        return {"columns": columns, "rows": texts(result, count)}


def metadata(connection):
    """What a tool asks about the database."""
    about = connection.getMetaData()
    found = {name: plain(getattr(about, name)()) for name in FEATURES}
    found["schemas"] = [row for row in texts(about.getSchemas(), 1) if row[0] in SCHEMAS]
    # In no order, and with those of the gateway's own views, which the mirror has not.
    found["types"] = sorted((row for row in texts(about.getTypeInfo(), TYPE_COLUMNS) if not row[0].startswith(VIEWS)), key=str)
    found["table types"] = ["TABLE"] in texts(about.getTableTypes(), 1)
    # Without the comment: the native driver shows that of any column.
    for schema in SCHEMAS:
        found[f"tables of {schema}"] = sorted(row[:4] for row in texts(about.getTables(None, schema, "%", ("TABLE",)), TABLE_COLUMNS))
    found["tables by pattern"] = sorted(row[:4] for row in texts(about.getTables(None, "spanlens", "%tra%", ()), TABLE_COLUMNS))
    for schema, table in TABLES:
        found[f"columns of {schema}.{table}"] = texts(about.getColumns(None, schema, table, "%"), COLUMN_COLUMNS)
        for kind, columns in (("PrimaryKeys", KEY_COLUMNS), ("ImportedKeys", REFERENCE_COLUMNS), ("ExportedKeys", REFERENCE_COLUMNS)):
            found[f"{kind} of {schema}.{table}"] = attempt(asked, getattr(about, f"get{kind}"), (None, schema, table), columns)
        # Without the row of the table's own, which tells how big it is.
        indexes = attempt(asked, about.getIndexInfo, (None, schema, table, False, True), INDEX_COLUMNS)
        found[f"indexes of {schema}.{table}"] = [row for row in indexes if row[5]] if isinstance(indexes, list) else indexes
    return found


def asked(question, arguments, columns):
    """The rows of an answer about the database."""
    return texts(question(*arguments), columns)


def attempt(action, *arguments):
    """What the action returns, or the driver's refusal."""
    try:
        return action(*arguments)
    except SQLException as error:
        return {"refused": error.Message}


def statements(connection, narrow, types):
    """Plain and prepared statements, read in several ways; not many rows, because each value is a call between processes."""
    narrow = f"{narrow} LIMIT 200"
    found = {"narrow": read(connection, narrow), "types": read(connection, types)}
    for sql in ("SELECT nosuch FROM spanlens.requests", "SELECT 1 / 0", "SELECT * FROM nosuch"):
        found[sql] = attempt(read, connection, sql)
    prepared = connection.prepareStatement(
        "SELECT id, latency_ms, cost_usd, created_at FROM spanlens.requests "
        "WHERE provider = ? AND latency_ms > ? AND cost_usd < ? AND created_at > ? ORDER BY created_at, id LIMIT 40")
    for provider, latency in (("openai", 1000), ("anthropic", 500), ("it's", 0)):
        prepared.setString(1, provider)
        prepared.setInt(2, latency)
        prepared.setDouble(3, 0.01)
        prepared.setTimestamp(4, DateTime(Year=2020, Month=1, Day=1))
        found[f"prepared, {provider}"] = texts(prepared.executeQuery(), 4)
    prepared.close()
    with closing(connection.createStatement()) as made:
        found["typed"] = typed(made.executeQuery(narrow))
    # psqlODBC cannot do it over cursors.
    found["scrolled"] = attempt(scrolled, connection, narrow)
    return found


def typed(result):
    """Some columns as other types than text."""
    found = []
    while result.next():
        moment = result.getTimestamp(5)
        found.append([
            result.getLong(2), result.getDouble(3), result.wasNull(), result.getBoolean(6),
            [moment.Year, moment.Month, moment.Day, moment.Hours, moment.Minutes, moment.Seconds, moment.NanoSeconds]])
    result.close()
    return found


def scrolled(connection, narrow):
    """Rows of a cursor that goes back and forth."""
    with closing(connection.createStatement()) as made:
        made.ResultSetType = SCROLL_INSENSITIVE
        result = made.executeQuery(narrow)
        found = [result.last(), result.getRow(), result.getString(1)]
        for move, number in (("absolute", 7), ("relative", -3), ("absolute", -5), ("relative", 2)):
            found.append([getattr(result, move)(number), result.getRow(), result.getString(1)])
        found.append([result.previous(), result.getString(1), result.first(), result.isFirst(), result.getString(1)])
        result.close()
        return found


class Registered:
    """A data source as a user registers it: an .odb file."""

    NAME = "traces"

    def __init__(self, office, url, user, password, directory, narrow):  # pylint: disable=too-many-arguments
        self.office = office
        databases = office.make("com.sun.star.sdb.DatabaseContext")
        self.source = databases.createInstance()
        self.source.URL, self.source.User, self.source.Password = url, user, password
        definitions = self.source.getQueryDefinitions()
        for name, escape in (("composed", True), ("direct", False)):
            query = definitions.createInstance()
            query.Command, query.EscapeProcessing = narrow, escape
            definitions.insertByName(name, query)
        self.source.DatabaseDocument.storeAsURL(uno.systemPathToFileUrl(f"{directory}/traces.odb"), ())
        databases.registerObject(self.NAME, self.source)

    def names(self):
        """The tables as Base shows them."""
        connection = self.source.getConnection(self.source.User, self.source.Password)
        found = sorted(name for name in connection.getTables().getElementNames() if any(f"{schema}." in name for schema in SCHEMAS))
        connection.close()
        return found

    def rows(self, command, kind=2, **options):
        """Base's row set; a form or a report is filled by it."""
        rows = self.office.make("com.sun.star.sdb.RowSet")
        rows.DataSourceName, rows.CommandType, rows.Command = self.NAME, kind, command
        for name, value in options.items():
            setattr(rows, name, value)
        rows.execute()
        count = rows.getMetaData().getColumnCount()
        found = []
        while rows.next():
            found.append([rows.getString(at) for at in range(1, count + 1)])
        found.append(rows.RowCount)
        rows.close()
        return found

    def imported(self, kind, what):
        """Calc's import into a sheet: what the cells hold."""
        document = self.office.desktop.loadComponentFromURL("private:factory/scalc", "_blank", 0, properties(Hidden=True))
        try:
            sheet = document.Sheets.getByIndex(0)
            place = sheet.getCellRangeByName("B3")
            place.doImport(properties(DatabaseName=self.NAME, SourceType=kind, SourceObject=what))
            used = sheet.createCursor()
            used.gotoEndOfUsedArea(False)
            end = used.RangeAddress
            return plain(sheet.getCellRangeByPosition(1, 2, max(end.EndColumn, 1), max(end.EndRow, 2)).getDataArray())
        finally:
            document.close(True)


def registered(source, narrow):
    """Base and Calc on the data source."""
    names = source.names()
    table = next(name for name in names if name.endswith("spanlens.traces"))
    grouped = (
        f"SELECT provider, count(*) AS n, avg(latency_ms) AS mean, max(created_at) AS last FROM spanlens.requests WHERE {BOUND} "
        "GROUP BY provider ORDER BY provider")
    return {
        "tables": names,
        "row set": source.rows(
            f"SELECT id, provider, latency_ms FROM spanlens.requests WHERE {BOUND}",
            Filter="provider = 'anthropic' AND latency_ms > 2000", ApplyFilter=True, Order="latency_ms DESC, id"),
        "import of a statement": source.imported(SQL, narrow),
        "import of groups": source.imported(SQL, grouped),
        "import of a query": source.imported(QUERY, "composed"),
        "import of a query in SQL": source.imported(QUERY, "direct"),
        "import of a table": sorted(source.imported(TABLE, table), key=str)}


def main():
    """One connection, and one registered data source."""
    task = json.load(sys.stdin)
    office = Office(task["pipe"])
    try:
        manager = office.make("com.sun.star.sdbc.DriverManager")
        connection = manager.getConnectionWithInfo(task["url"], properties(user=task["user"], password=task["password"]))
        found = {"metadata": metadata(connection), "statements": statements(connection, task["narrow"], task["types"])}
        connection.close()
        source = Registered(office, task["url"], task["user"], task["password"], task["directory"], task["narrow"])
        found["registered"] = registered(source, task["narrow"])
    finally:
        office.desktop.terminate()
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    main()
