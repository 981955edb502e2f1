// node-postgres against the gateway: prints what it got as one JSON object (see jvm_and_node.py).
"use strict";
const { Client, Pool } = require("pg");

const PORT = Number(process.argv[2]);
const NEWEST =
  "SELECT id, latency_ms, cost_usd, error_message, created_at, status_code >= 500 AS failed FROM spanlens.requests " +
  "ORDER BY created_at DESC, id LIMIT 50";
const COUNT = "SELECT count(*) AS n FROM spanlens.requests WHERE provider = $1 AND latency_ms > $2";

async function named(client) {
  const counts = [];
  for (const provider of ["openai", "gemini"]) {
    const { rows } = await client.query({ name: "slow", text: COUNT, values: [provider, 0] });
    counts.push(rows[0].n);
  }
  return counts;
}

async function failure(client) {
  try {
    await client.query("SELECT nope FROM spanlens.requests");
  } catch (error) {
    return [error.code, error.message];
  }
  return ["no error"];
}

async function main() {
  const client = new Client({ port: PORT });
  await client.connect();
  const newest = await client.query({ text: NEWEST, rowMode: "array" });
  const found = {
    newest: newest.rows.map((row) => row.map((cell) => (cell instanceof Date ? cell.getTime() : cell))),
    types: newest.fields.map((field) => field.dataTypeID),
    parameters: (await client.query(COUNT, ["openai", 1000])).rows[0].n,
    named: await named(client),
    error: await failure(client),
    after: (await client.query("SELECT 'still here' AS text")).rows[0].text,
  };
  await client.end();
  const pool = new Pool({ port: PORT, max: 3 });
  const answers = await Promise.all(["openai", "groq", "mistral"].map((name) => pool.query(COUNT, [name, -1])));
  found.concurrent = answers.map((answer) => answer.rows[0].n);
  await pool.end();
  console.log(JSON.stringify(found));
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
