// pgjdbc: reads all metadata, then asks of every table what a BI tool's sync asks by itself: whether it is there, a first
// row, a fingerprint of all fields, the distinct values of each field that has few, and a sample of its documents.
// Prints the number of statements.
import java.sql.*;
import java.util.*;

public class Sync {
    static int statements = 0;

    public static void main(String[] args) throws Exception {
        String url = "jdbc:postgresql://" + System.getenv("PGHOST") + ":" + System.getenv("PGPORT") + "/" + System.getenv("PGDATABASE");
        Properties settings = new Properties();
        settings.setProperty("user", System.getenv("PGUSER"));
        settings.setProperty("password", System.getenv("PGPASSWORD"));
        settings.setProperty("ApplicationName", "sync");
        if (args.length > 0) {
            settings.setProperty("options", args[0]);
        }
        try (Connection connection = DriverManager.getConnection(url, settings)) {
            DatabaseMetaData about = connection.getMetaData();
            for (ResultSet all : new ResultSet[] {
                    about.getCatalogs(), about.getSchemas(), about.getTableTypes(), about.getTypeInfo(), about.getTables(null, null, "%", null),
                    about.getColumns(null, null, "%", "%"), about.getProcedures(null, null, "%"), about.getFunctions(null, null, "%"),
                    about.getTablePrivileges(null, null, "%"), about.getUDTs(null, null, "%", null)}) {
                drain(all);
            }
            List<String[]> tables = new ArrayList<>();
            try (ResultSet found = about.getTables(null, null, "%", new String[] {"TABLE", "VIEW"})) {
                while (found.next()) {
                    if (!Set.of("pg_catalog", "information_schema", "spanwire").contains(found.getString(2))) {
                        tables.add(new String[] {found.getString(2), found.getString(3)});
                    }
                }
            }
            for (String[] table : tables) {
                sync(connection, about, table[0], table[1], args.length == 0);
            }
        }
        System.out.println(statements);
    }

    static void sync(Connection connection, DatabaseMetaData about, String schema, String table, boolean documents) throws SQLException {
        List<String> key = new ArrayList<>();
        try (ResultSet found = about.getPrimaryKeys(null, schema, table)) {
            while (found.next()) {
                key.add(found.getString("COLUMN_NAME"));
            }
        }
        for (ResultSet more : new ResultSet[] {
                about.getImportedKeys(null, schema, table), about.getExportedKeys(null, schema, table),
                about.getIndexInfo(null, schema, table, false, true), about.getBestRowIdentifier(null, schema, table, 0, true),
                about.getColumnPrivileges(null, schema, table, "%")}) {
            drain(more);
        }
        String name = "\"" + schema + "\".\"" + table + "\"";
        run(connection, "SELECT TRUE AS \"_\" FROM " + name + " WHERE 1 <> 1 LIMIT 0");
        run(connection, "SELECT * FROM " + name + " LIMIT 0");
        run(connection, "SELECT * FROM " + name + " LIMIT 1");
        List<String> fingerprint = new ArrayList<>();
        List<String> few = new ArrayList<>();
        List<String> json = new ArrayList<>();
        try (ResultSet found = about.getColumns(null, schema, table, "%")) {
            while (found.next()) {
                String column = found.getString("COLUMN_NAME");
                String own = name + ".\"" + column + "\"";
                switch (found.getString("TYPE_NAME")) {
                    case "text" -> {
                        fingerprint.add("SUBSTRING(" + own + ", 1, 1234) AS \"" + column + "\"");
                        few.add(own);
                    }
                    case "jsonb" -> json.add(own);
                    default -> fingerprint.add(own + " AS \"" + column + "\"");
                }
            }
        }
        run(connection, "SELECT " + String.join(", ", fingerprint) + " FROM " + name + " LIMIT 10000");
        for (String own : few) {
            run(connection, "SELECT " + own + " FROM " + name + " GROUP BY " + own + " ORDER BY " + own + " ASC LIMIT 1000");
        }
        if (documents && !json.isEmpty()) {
            String order = key.isEmpty() ? "" : " ORDER BY \"" + String.join("\", \"", key) + "\" ASC";
            run(connection, "SELECT " + String.join(", ", json) + " FROM " + name + order + " LIMIT 500");
        }
    }

    static void run(Connection connection, String sql) throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(sql)) {
            statement.setFetchSize(500);
            drain(statement.executeQuery());
        } catch (SQLException error) {
            throw new SQLException(sql, error);
        }
    }

    static void drain(ResultSet rows) throws SQLException {
        statements++;
        try (rows) {
            while (rows.next()) {
            }
        }
    }
}
