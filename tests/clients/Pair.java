// pgjdbc: prints what its metadata and its result sets give, a line each, for pairs.py to compare.
import java.sql.*;
import java.time.OffsetDateTime;
import java.util.*;

public class Pair {
    static final String BOUND = "created_at > '2020-01-01'";

    public static void main(String[] args) throws Exception {
        String url = "jdbc:postgresql://" + System.getenv("PGHOST") + ":" + System.getenv("PGPORT") + "/" + System.getenv("PGDATABASE");
        Properties settings = new Properties();
        settings.setProperty("user", System.getenv("PGUSER"));
        settings.setProperty("password", System.getenv("PGPASSWORD"));
        try (Connection connection = DriverManager.getConnection(url, settings)) {
            metadata(connection.getMetaData());
            rows(connection);
            prepared(connection);
            pages(connection);
            types(connection, args[0]);
            cancel(connection);
        }
        for (String mode : new String[] {"simple", "extendedCacheEverything"}) {
            settings.setProperty("preferQueryMode", mode);
            try (Connection connection = DriverManager.getConnection(url, settings)) {
                show(mode, connection.createStatement().executeQuery("SELECT 1 AS a, 'x' AS b"), Set.of());
            }
        }
    }

    static void metadata(DatabaseMetaData about) throws SQLException {
        Set<String> oids = Set.of("SOURCE_DATA_TYPE");
        String[] kinds = {"TABLE", "VIEW"};
        for (String schema : new String[] {"spanlens", "trulayer"}) {
            show("tables", about.getTables(null, schema, "%", kinds), oids);
            show("columns", about.getColumns(null, schema, "%", "%"), oids);
            for (String table : new String[] {"requests", "traces", "spans"}) {
                show("keys", about.getPrimaryKeys(null, schema, table), oids);
                show("imported", about.getImportedKeys(null, schema, table), oids);
                show("exported", about.getExportedKeys(null, schema, table), oids);
                // What an index holds is known to an analysed table only.
                show("indexes", about.getIndexInfo(null, schema, table, true, true), Set.of("CARDINALITY", "PAGES"));
                show("best row", about.getBestRowIdentifier(null, schema, table, DatabaseMetaData.bestRowSession, true), oids);
                show("versions", about.getVersionColumns(null, schema, table), oids);
            }
            show("column privileges", about.getColumnPrivileges(null, schema, "requests", "id"), Set.of("PRIVILEGE"));
        }
        show("kinds", about.getTableTypes(), oids);
        show("catalogs of ours", about.getSchemas(null, "spanlens"), oids);
        show("types", about.getTypeInfo(), oids, "int8", "text", "timestamptz", "jsonb", "numeric", "_text", "bool", "float8");
        System.out.println(about.getDatabaseProductName() + " " + about.getDatabaseMajorVersion() + " " + about.getMaxColumnNameLength()
            + " " + about.getDefaultTransactionIsolation() + " " + about.getIdentifierQuoteString());
    }

    static void rows(Connection connection) throws SQLException {
        String sql = "SELECT id, latency_ms, cost_usd, created_at, extra, status_code >= 500 AS failed FROM spanlens.requests WHERE "
            + BOUND + " ORDER BY created_at, id";
        try (Statement statement = connection.createStatement()) {
            show("rows", statement.executeQuery(sql), Set.of());
            statement.setMaxRows(5);
            show("five", statement.executeQuery(sql), Set.of());
        }
    }

    static void prepared(Connection connection) throws SQLException {
        String sql = "SELECT id, latency_ms, cost_usd, created_at FROM spanlens.requests WHERE provider = ? AND latency_ms > ? AND created_at > ? "
            + "ORDER BY id";
        try (PreparedStatement statement = connection.prepareStatement(sql)) {
            // From the fifth run on it has a name and binary values.
            for (int run = 0; run < 8; run++) {
                statement.setString(1, "openai");
                statement.setInt(2, run * 200);
                statement.setObject(3, OffsetDateTime.parse("2020-01-01T00:00:00Z"));
                show("run " + run, statement.executeQuery(), Set.of());
            }
            ParameterMetaData parameters = statement.getParameterMetaData();
            for (int at = 1; at <= parameters.getParameterCount(); at++) System.out.println(parameters.getParameterTypeName(at));
        }
        try (PreparedStatement statement = connection.prepareStatement("SELECT count(*) FROM spanlens.requests WHERE provider = ANY (?) AND " + BOUND)) {
            statement.setArray(1, connection.createArrayOf("text", new String[] {"openai", "groq", null}));
            show("array", statement.executeQuery(), Set.of());
        }
    }

    static void pages(Connection connection) throws SQLException {
        connection.setAutoCommit(false);
        connection.setReadOnly(true);
        try (Statement statement = connection.createStatement()) {
            statement.setFetchSize(37);
            show("pages", statement.executeQuery("SELECT id FROM spanlens.requests WHERE " + BOUND + " ORDER BY id"), Set.of());
        }
        Savepoint savepoint = connection.setSavepoint("s");
        try (Statement statement = connection.createStatement()) {
            statement.executeQuery("SELECT 1 / 0");
        } catch (SQLException error) {
            System.out.println(error.getSQLState() + " " + error.getMessage());
        }
        connection.rollback(savepoint);
        show("after", connection.createStatement().executeQuery("SELECT 'alive' AS it"), Set.of());
        connection.commit();
        connection.setReadOnly(false);
        connection.setAutoCommit(true);
        try (Statement statement = connection.createStatement(ResultSet.TYPE_SCROLL_INSENSITIVE, ResultSet.CONCUR_READ_ONLY)) {
            ResultSet rows = statement.executeQuery("SELECT id FROM spanlens.requests WHERE " + BOUND + " ORDER BY id");
            rows.last();
            System.out.println(rows.getRow() + " " + rows.getString(1));
            rows.absolute(3);
            System.out.println(rows.getString(1));
        }
    }

    static void types(Connection connection, String sql) throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(sql)) {
            for (int run = 0; run < 7; run++) show("types", statement.executeQuery(), Set.of());
        }
    }

    static void cancel(Connection connection) throws Exception {
        try (Statement statement = connection.createStatement()) {
            statement.setQueryTimeout(1);
            statement.executeQuery("SELECT count(*) FROM generate_series(1, 100000) AS a(x), generate_series(1, 100000) AS b(y) WHERE x * y = -1");
        } catch (SQLException error) {
            System.out.println(error.getSQLState() + " " + error.getMessage());
        }
        System.out.println(connection.isValid(5));
    }

    static String text(ResultSet rows, int at) throws SQLException {
        boolean isBytes = rows.getMetaData().getColumnType(at) == Types.BINARY;
        return isBytes ? Arrays.toString(rows.getBytes(at)) : rows.getString(at);
    }

    static void show(String what, ResultSet rows, Set<String> without, String... only) throws SQLException {
        ResultSetMetaData about = rows.getMetaData();
        StringBuilder head = new StringBuilder(what);
        for (int at = 1; at <= about.getColumnCount(); at++) {
            head.append(" | ").append(about.getColumnLabel(at)).append(' ').append(about.getColumnTypeName(at)).append(' ')
                .append(about.getColumnType(at)).append(' ').append(about.getColumnClassName(at));
        }
        System.out.println(head);
        while (rows.next()) {
            if (only.length > 0 && !Arrays.asList(only).contains(rows.getString(1))) continue;
            StringBuilder line = new StringBuilder(what);
            for (int at = 1; at <= about.getColumnCount(); at++) {
                if (!without.contains(about.getColumnLabel(at))) line.append(" | ").append(text(rows, at));
            }
            System.out.println(line.toString().replace("\n", "\\n"));
        }
        rows.close();
    }
}
