// pgx and lib/pq: prints what they get, a line each, for pairs.py to compare.
package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/jackc/pgconn"
	"github.com/jackc/pgx/v4"
	"github.com/jackc/pgx/v4/pgxpool"
	"github.com/lib/pq"
)

const bound = "created_at > '2020-01-01'"
const narrow = "SELECT id, latency_ms, cost_usd, error_message, created_at, status_code >= 500 AS failed, extra " +
	"FROM spanlens.requests WHERE " + bound + " AND latency_ms > $1 ORDER BY created_at, id"

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func show(what string, values ...interface{}) {
	line := what
	for _, value := range values {
		switch own := value.(type) {
		case time.Time:
			line += " | " + own.UTC().Format(time.RFC3339Nano)
		default:
			line += fmt.Sprintf(" | %v", own)
		}
	}
	fmt.Println(line)
}

func rowsOf(what string, rows pgx.Rows, err error) {
	must(err)
	defer rows.Close()
	for _, field := range rows.FieldDescriptions() {
		show(what, string(field.Name), field.DataTypeOID, field.DataTypeSize, field.TypeModifier, field.Format)
	}
	for rows.Next() {
		values, err := rows.Values()
		must(err)
		show(what, values...)
	}
	must(rows.Err())
	show(what, rows.CommandTag().String())
}

func withPgx(ctx context.Context) {
	connection, err := pgx.Connect(ctx, "sslmode=disable")
	must(err)
	defer connection.Close(ctx)
	must(connection.Ping(ctx))
	_, err = connection.Exec(ctx, "-- ping")
	must(err)
	for run := 0; run < 3; run++ {
		rows, err := connection.Query(ctx, narrow, run*300)
		rowsOf(fmt.Sprint("pgx ", run), rows, err)
	}
	rows, err := connection.Query(ctx, narrow, pgx.QuerySimpleProtocol(true), 100)
	rowsOf("simple", rows, err)
	rows, err = connection.Query(ctx, "SELECT count(*) FROM spanlens.requests WHERE provider = ANY($1) AND "+bound, []string{"openai", "groq"})
	rowsOf("array", rows, err)
	rows, err = connection.Query(ctx, "SELECT $1::int2, $2::int4, $3::float8, $4::bool, $5::text, $6::timestamptz, $7::date, $8::int8[], $9::bytea",
		int16(1), int32(2), 3.5, true, "x", time.Unix(1700000000, 123000).UTC(), time.Date(2026, 2, 28, 0, 0, 0, 0, time.UTC), []int64{1, 2}, []byte{0, 255})
	rowsOf("parameters", rows, err)
	batch := &pgx.Batch{}
	batch.Queue("SELECT 1")
	batch.Queue("SELECT count(*) FROM spanlens.requests WHERE latency_ms > $1 AND "+bound, 500)
	batch.Queue("SELECT 'x'")
	results := connection.SendBatch(ctx, batch)
	for n := 0; n < 3; n++ {
		rows, err := results.Query()
		rowsOf("batch", rows, err)
	}
	must(results.Close())
	tx, err := connection.BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly})
	must(err)
	inner, err := tx.Begin(ctx)
	must(err)
	_, err = inner.Exec(ctx, "SELECT 1/0")
	var failure *pgconn.PgError
	show("error", errors.As(err, &failure), failure.Code, failure.Message)
	must(inner.Rollback(ctx))
	rows, err = tx.Query(ctx, "SHOW transaction_isolation")
	rowsOf("level", rows, err)
	must(tx.Commit(ctx))
	out, err := os.CreateTemp("", "copy")
	must(err)
	defer os.Remove(out.Name())
	tag, err := connection.PgConn().CopyTo(ctx, out, "COPY (SELECT id, latency_ms FROM spanlens.requests WHERE "+bound+" ORDER BY id) TO STDOUT CSV")
	must(err)
	copied, err := os.ReadFile(out.Name())
	must(err)
	show("copy", tag.String(), string(copied))
	short, cancel := context.WithTimeout(ctx, 300*time.Millisecond)
	defer cancel()
	_, err = connection.Exec(short, "SELECT count(*) FROM generate_series(1, 100000) AS a(x), generate_series(1, 100000) AS b(y) WHERE x * y = -1")
	show("cancelled", err != nil)
	pool, err := pgxpool.Connect(ctx, "sslmode=disable pool_max_conns=3")
	must(err)
	defer pool.Close()
	for n := 0; n < 6; n++ {
		var count int64
		must(pool.QueryRow(ctx, "SELECT count(*) FROM spanlens.requests WHERE latency_ms > $1 AND "+bound, n*200).Scan(&count))
		show("pool", count)
	}
}

func withPq(ctx context.Context, options string) {
	database, err := sql.Open("postgres", "sslmode=disable"+options)
	must(err)
	defer database.Close()
	must(database.PingContext(ctx))
	for _, latency := range []int{0, 700} {
		rows, err := database.QueryContext(ctx, narrow, latency)
		must(err)
		types, err := rows.ColumnTypes()
		must(err)
		for _, own := range types {
			show("pq", own.Name(), own.DatabaseTypeName())
		}
		for rows.Next() {
			var id string
			var latency int64
			var cost sql.NullFloat64
			var message, extra sql.NullString
			var created time.Time
			var failed bool
			must(rows.Scan(&id, &latency, &cost, &message, &created, &failed, &extra))
			show("pq", id, latency, cost, message, created, failed, extra)
		}
		must(rows.Err())
	}
	var count int
	must(database.QueryRow("SELECT count(*) FROM spanlens.requests WHERE provider = ANY($1) AND "+bound, pq.Array([]string{"openai", "groq"})).Scan(&count))
	show("pq array", count)
	prepared, err := database.Prepare("SELECT $1::int + 1")
	must(err)
	must(prepared.QueryRow(41).Scan(&count))
	show("pq prepared", count)
	_, err = database.Exec("SELECT nope FROM spanlens.requests")
	var failure *pq.Error
	show("pq error", errors.As(err, &failure), string(failure.Code), failure.Message, failure.Position)
	_, err = database.Exec("INSERT INTO spanlens.nosuch VALUES (1)")
	show("pq write", err != nil)
}

func main() {
	ctx := context.Background()
	withPgx(ctx)
	withPq(ctx, "")
	withPq(ctx, " binary_parameters=yes")
}
