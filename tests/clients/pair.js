// node-postgres with its cursor and stream, and postgres.js: prints what they got as one JSON object (see pairs.py).
"use strict";
const { Client } = require("pg");
const Cursor = require("pg-cursor");
const QueryStream = require("pg-query-stream");
const postgres = require("postgres");

const NARROW =
  "SELECT id, latency_ms, cost_usd, error_message, created_at, extra FROM spanlens.requests " +
  "WHERE created_at > '2020-01-01' AND latency_ms > $1 ORDER BY created_at, id";

async function nodePostgres() {
  const client = new Client();
  await client.connect();
  const cursor = client.query(new Cursor(NARROW, [100]));
  const pages = [await cursor.read(7), await cursor.read(50), await cursor.read(100000), await cursor.read(1)];
  await cursor.close();
  const streamed = [];
  for await (const row of client.query(new QueryStream(NARROW, [0], { batchSize: 33 }))) streamed.push(row);
  const stopped = client.query(new QueryStream(NARROW, [0], { batchSize: 5 }));
  for await (const row of stopped) {
    streamed.push(row);
    break;
  }
  const binary = await client.query({ text: NARROW + " LIMIT 5", values: [0], binary: true });
  const several = await client.query("SELECT 1 AS a; SELECT 2 AS b, 3 AS c");
  await client.end();
  return { pages, streamed, binary: binary.rows.length, several: several.map((one) => one.rows) };
}

async function postgresJs() {
  const sql = postgres({ host: process.env.PGHOST, port: Number(process.env.PGPORT), max: 2, onnotice: () => {} });
  const found = {};
  found.rows = await sql`SELECT id, latency_ms, cost_usd, created_at, extra FROM spanlens.requests
    WHERE provider = ${"openai"} AND latency_ms > ${100} AND created_at > ${new Date("2020-01-01")} ORDER BY created_at, id`;
  found.any = await sql`SELECT count(*) FROM spanlens.requests
    WHERE provider = ANY(${["openai", "groq"]}) AND created_at > '2020-01-01'`;
  found.list = await sql`SELECT count(*) FROM spanlens.requests
    WHERE provider IN ${sql(["openai", "groq"])} AND created_at > '2020-01-01'`;
  found.pages = [];
  await sql`SELECT id FROM spanlens.requests WHERE created_at > '2020-01-01' ORDER BY id`.cursor(40, (rows) => {
    found.pages.push(rows.map((row) => row.id));
  });
  found.types = (await sql`SELECT ARRAY[1, 2] AS a, ARRAY['x', NULL] AS b, '{"k": [1]}'::jsonb AS c, 1.50::numeric AS d, true AS e`)[0];
  found.begun = await sql.begin(async (own) => [(await own`SELECT 1 AS one`)[0], (await own`SELECT 2 AS two`)[0]]);
  found.several = await sql`SELECT 1 AS a; SELECT 2 AS b`.simple();
  found.described = (await sql`SELECT id, created_at FROM spanlens.requests WHERE latency_ms > ${1}`.describe()).types;
  try {
    await sql`SELECT nope FROM spanlens.requests`;
  } catch (error) {
    found.error = [error.code, error.message];
  }
  await sql.end();
  return found;
}

async function main() {
  console.log(JSON.stringify({ nodePostgres: await nodePostgres(), postgresJs: await postgresJs() }));
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
