// pgjdbc against the gateway: prints what it got as one JSON object (see jvm_and_node.py).

import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.ResultSetMetaData;
import java.sql.SQLException;
import java.sql.Statement;
import java.sql.Timestamp;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;

public class Client {
    static final String NEWEST =
        "SELECT id, latency_ms, cost_usd, error_message, created_at, status_code >= 500 AS failed FROM spanlens.requests "
        + "ORDER BY created_at DESC, id LIMIT 50";
    static final String COUNT = "SELECT count(*) FROM spanlens.requests WHERE provider = ? AND latency_ms > ?";

    public static void main(String[] arguments) throws SQLException {
        Properties login = new Properties();
        login.put("user", System.getenv("PGUSER"));
        login.put("password", System.getenv("PGPASSWORD"));
        String url = "jdbc:postgresql://127.0.0.1:" + arguments[0] + "/" + System.getenv("PGDATABASE");
        Map<String, Object> found = new LinkedHashMap<>();
        try (Connection connection = DriverManager.getConnection(url, login)) {
            newest(connection, found);
            found.put("parameters", parameters(connection));
            catalog(connection, found);
            found.put("fetched", fetched(connection));
            SQLException error = failure(connection, "SELECT nope FROM spanlens.requests");
            String[] lines = error.getMessage().split("\n");
            found.put("error", List.of(error.getSQLState(), lines[0]));
            found.put("readonly", failure(connection, "DELETE FROM requests").getSQLState());
        }
        System.out.println(json(found));
    }

    static void newest(Connection connection, Map<String, Object> found) throws SQLException {
        List<Object> rows = new ArrayList<>();
        List<Object> types = new ArrayList<>();
        try (Statement statement = connection.createStatement(); ResultSet result = statement.executeQuery(NEWEST)) {
            ResultSetMetaData meta = result.getMetaData();
            for (int column = 1; column <= meta.getColumnCount(); column++) {
                types.add(meta.getColumnTypeName(column));
            }
            while (result.next()) {
                Timestamp created = result.getTimestamp(5);
                List<Object> row = new ArrayList<>();
                row.add(result.getString(1));
                row.add(Long.toString(result.getLong(2)));
                row.add(result.getObject(3));
                row.add(result.getString(4));
                row.add(created.getTime());
                row.add(result.getBoolean(6));
                rows.add(row);
            }
        }
        found.put("newest", rows);
        found.put("types", types);
    }

    /** More than prepareThreshold (5) runs: from then on the driver names the statement and asks for binary results. */
    static List<Object> parameters(Connection connection) throws SQLException {
        List<Object> counts = new ArrayList<>();
        try (PreparedStatement statement = connection.prepareStatement(COUNT)) {
            for (int run = 0; run < 8; run++) {
                statement.setString(1, "openai");
                statement.setLong(2, run * 300);
                try (ResultSet result = statement.executeQuery()) {
                    result.next();
                    counts.add(result.getLong(1));
                }
            }
        }
        return counts;
    }

    static void catalog(Connection connection, Map<String, Object> found) throws SQLException {
        var meta = connection.getMetaData();
        String[] kinds = {"TABLE"};
        found.put("tables", list(meta.getTables(null, "spanlens", "%", kinds), "%s.%s %s",
            "TABLE_SCHEM", "TABLE_NAME", "TABLE_TYPE"));
        found.put("views", list(meta.getTables(null, "public", "%", new String[] {"VIEW"}), "%s.%s %s",
            "TABLE_SCHEM", "TABLE_NAME", "TABLE_TYPE"));
        found.put("columns", list(meta.getColumns(null, "spanlens", "requests", "%"), "%s %s %s",
            "COLUMN_NAME", "TYPE_NAME", "NULLABLE"));
        found.put("key", list(meta.getPrimaryKeys(null, "spanlens", "requests"), "%s %s", "COLUMN_NAME", "PK_NAME"));
        found.put("schemas", list(meta.getSchemas(), "%s", "TABLE_SCHEM"));
    }

    static List<Object> list(ResultSet result, String format, String... columns) throws SQLException {
        List<Object> lines = new ArrayList<>();
        try (result) {
            while (result.next()) {
                Object[] cells = new Object[columns.length];
                for (int column = 0; column < columns.length; column++) {
                    cells[column] = result.getString(columns[column]);
                }
                lines.add(String.format(format, cells));
            }
        }
        return lines;
    }

    static long fetched(Connection connection) throws SQLException {
        long rows = 0;
        connection.setAutoCommit(false);
        try (Statement statement = connection.createStatement()) {
            statement.setFetchSize(100);
            try (ResultSet result = statement.executeQuery("SELECT id FROM spanlens.requests")) {
                while (result.next()) {
                    rows++;
                }
            }
        }
        connection.commit();
        connection.setAutoCommit(true);
        return rows;
    }

    static SQLException failure(Connection connection, String sql) {
        try (Statement statement = connection.createStatement()) {
            statement.execute(sql);
        } catch (SQLException error) {
            return error;
        }
        return new SQLException("no error", "00000");
    }

    static String json(Object value) {
        if (value instanceof Map<?, ?> map) {
            List<String> parts = new ArrayList<>();
            map.forEach((name, part) -> parts.add(json(name) + ":" + json(part)));
            return "{" + String.join(",", parts) + "}";
        }
        if (value instanceof List<?> list) {
            return "[" + String.join(",", list.stream().map(Client::json).toList()) + "]";
        }
        if (value instanceof String text) {
            StringBuilder quoted = new StringBuilder("\"");
            for (char letter : text.toCharArray()) {
                boolean plain = letter >= ' ' && letter < 127 && letter != '"' && letter != '\\';
                quoted.append(plain ? String.valueOf(letter) : String.format("\\u%04x", (int) letter));
            }
            return quoted.append('"').toString();
        }
        return String.valueOf(value);
    }
}
