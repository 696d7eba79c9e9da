// Both JDBC drivers against Millrace. Arguments: a JDBC URL, its mode's name, and the database. Prints a line
// for each check that holds; the first that does not ends the program.
import java.io.ByteArrayInputStream;
import java.io.StringReader;
import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.DatabaseMetaData;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.ResultSetMetaData;
import java.sql.SQLException;
import java.sql.Statement;
import java.sql.Timestamp;
import java.sql.Types;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.Executors;

public class JdbcStory {
  static String mode;
  static boolean isMariadb;

  interface Work {
    void run() throws Exception;
  }

  static void check(String name, Object actual, Object expected) {
    if (!Objects.equals(String.valueOf(actual), String.valueOf(expected))) {
      throw new IllegalStateException(mode + ": " + name + ": got " + actual + ", expected " + expected);
    }
    System.out.println("ok " + mode + ": " + name);
  }

  static void checkError(String name, int code, Work work) throws Exception {
    try {
      work.run();
    } catch (SQLException error) {
      if (error.getErrorCode() != code) throw error;
      System.out.println("ok " + mode + ": " + name);
      return;
    }
    throw new IllegalStateException(mode + ": " + name + ": no error");
  }

  static List<List<String>> rows(ResultSet set) throws SQLException {
    List<List<String>> rows = new ArrayList<>();
    int width = set.getMetaData().getColumnCount();
    while (set.next()) {
      List<String> row = new ArrayList<>();
      for (int i = 1; i <= width; i++) row.add(set.getString(i));
      rows.add(row);
    }
    set.close();
    return rows;
  }

  static List<List<String>> query(Connection connection, String sql) throws SQLException {
    try (Statement statement = connection.createStatement()) {
      return rows(statement.executeQuery(sql));
    }
  }

  /** Some columns of a metadata result, by name. */
  static List<String> column(ResultSet set, String... names) throws SQLException {
    List<String> rows = new ArrayList<>();
    while (set.next()) {
      List<String> row = new ArrayList<>();
      for (String name : names) row.add(set.getString(name));
      rows.add(String.join(" ", row.stream().map(String::valueOf).toList()));
    }
    set.close();
    return rows;
  }

  public static void main(String[] args) throws Exception {
    String url = args[0];
    mode = args[1];
    String database = args[2];
    isMariadb = url.startsWith("jdbc:mariadb:");
    try (Connection connection = DriverManager.getConnection(url, "root", "")) {
      check("valid", connection.isValid(5), true);
      types(connection);
      parameters(connection);
      streams(connection);
      repeated(connection);
      results(connection);
      cursors(connection);
      sessions(connection, database);
      metadata(connection, database);
      errors(connection);
      timeouts(connection);
      batches(connection, database);
    }
    checkError("wrong password", 1045, () -> DriverManager.getConnection(url, "root", "wrong"));
  }

  static void types(Connection connection) throws Exception {
    String sql =
        "SELECT CAST(1 AS BOOLEAN) b, CAST(-5 AS TINYINT) t, CAST(-300 AS SMALLINT) s, -70000 i, "
            + "9223372036854775807 l, CAST('12345678901234567890123' AS LARGEINT) li, CAST(1.5 AS FLOAT) f, "
            + "CAST(0.1 AS DOUBLE) d, CAST('-12.50' AS DECIMAL(38, 2)) n, CAST('2024-02-29' AS DATE) dt, "
            + "CAST('2024-02-29 01:02:03.000045' AS DATETIME) ts, 'it''s 👋' v, x'00ff' x, [1, 2] a, NULL z";
    for (boolean prepared : new boolean[] {false, true}) {
      try (Statement plain = connection.createStatement();
          PreparedStatement statement = connection.prepareStatement(sql)) {
        ResultSet set = prepared ? statement.executeQuery() : plain.executeQuery(sql);
        set.next();
        String kind = prepared ? "prepared " : "text ";
        check(kind + "boolean", set.getBoolean("b"), true);
        check(kind + "tinyint", set.getByte("t"), -5);
        check(kind + "smallint", set.getShort("s"), -300);
        check(kind + "int", set.getInt("i"), -70000);
        check(kind + "bigint", set.getLong("l"), Long.MAX_VALUE);
        check(kind + "largeint", set.getBigDecimal("li"), "12345678901234567890123");
        check(kind + "float", set.getFloat("f"), 1.5f);
        check(kind + "double", set.getDouble("d"), 0.1);
        check(kind + "decimal", set.getBigDecimal("n"), "-12.50");
        check(kind + "date", set.getObject("dt", LocalDate.class), "2024-02-29");
        check(kind + "datetime", set.getObject("ts", LocalDateTime.class), "2024-02-29T01:02:03.000045");
        check(kind + "string", set.getString("v"), "it's 👋");
        check(kind + "binary", HexFormat.of().formatHex(set.getBytes("x")), "00ff");
        check(kind + "array", set.getString("a"), "[1,2]");
        check(kind + "null", set.getString("z") == null && set.wasNull(), true);
        ResultSetMetaData meta = set.getMetaData();
        check(kind + "decimal's type", meta.getColumnType(9), Types.DECIMAL);
        check(kind + "decimal's digits", meta.getPrecision(9) + "," + meta.getScale(9), "38,2");
        check(kind + "datetime's type", meta.getColumnType(11), Types.TIMESTAMP);
      }
    }
  }

  static void parameters(Connection connection) throws Exception {
    String sql = "SELECT ?, ?, ?, ?, ?, ?, hex(?), ?, ?, ?, ?, ?";
    try (PreparedStatement statement = connection.prepareStatement(sql)) {
      statement.setInt(1, 42);
      statement.setLong(2, Long.MIN_VALUE);
      statement.setBigDecimal(3, new BigDecimal("-12345678901234567890.0100"));
      statement.setDouble(4, 2.5);
      statement.setBoolean(5, true);
      statement.setString(6, "it's \\ \" ? 👋");
      // MariaDB's driver writes bytes into the text of a statement, where only those of text are taken.
      boolean asText = isMariadb && !mode.contains("useServerPrepStmts");
      statement.setBytes(7, asText ? new byte[] {'a', '\'', 1} : new byte[] {0, 1, (byte) 0xfe, (byte) 0xff});
      statement.setObject(8, LocalDate.of(2024, 2, 29));
      statement.setObject(9, LocalDateTime.of(2024, 2, 29, 1, 2, 3, 45_000));
      statement.setTimestamp(10, Timestamp.valueOf("2024-02-29 01:02:03.5"));
      statement.setNull(11, Types.VARCHAR);
      statement.setShort(12, (short) -7);
      check("number of parameters", statement.getParameterMetaData().getParameterCount(), 12);
      ResultSet set = statement.executeQuery();
      set.next();
      check("int", set.getInt(1), 42);
      check("long", set.getLong(2), Long.MIN_VALUE);
      check("decimal", set.getBigDecimal(3).compareTo(new BigDecimal("-12345678901234567890.01")), 0);
      check("double", set.getDouble(4), 2.5);
      check("boolean", set.getBoolean(5), true);
      check("string", set.getString(6), "it's \\ \" ? 👋");
      check("bytes", set.getString(7), asText ? "612701" : "0001FEFF");
      check("date", set.getString(8), "2024-02-29");
      check("datetime", set.getObject(9, LocalDateTime.class), "2024-02-29T01:02:03.000045");
      check("timestamp", set.getTimestamp(10), Timestamp.valueOf("2024-02-29 01:02:03.5"));
      check("null", set.getObject(11), null);
      check("short", set.getInt(12), -7);
    }
  }

  static void streams(Connection connection) throws Exception {
    String text = "grüße ".repeat(200_000);
    try (PreparedStatement statement = connection.prepareStatement("SELECT length(CAST(? AS VARCHAR)), length(hex(?)), ?")) {
      statement.setCharacterStream(1, new StringReader(text));
      statement.setBinaryStream(2, new ByteArrayInputStream(new byte[100_000]));
      statement.setString(3, "after");
      ResultSet set = statement.executeQuery();
      set.next();
      check("character stream", set.getInt(1), text.getBytes(StandardCharsets.UTF_8).length);
      check("binary stream", set.getInt(2), 200_000);
      check("after the streams", set.getString(3), "after");
    }
  }

  static void repeated(Connection connection) throws Exception {
    String sql = "SELECT generate_series FROM TABLE(generate_series(1, 100)) WHERE generate_series > ? ORDER BY 1 LIMIT ?";
    try (PreparedStatement statement = connection.prepareStatement(sql)) {
      List<String> got = new ArrayList<>();
      for (int low = 0; low < 100; low += 25) {
        statement.setInt(1, low);
        statement.setInt(2, 2);
        got.add(rows(statement.executeQuery()).toString());
      }
      check("executed again and again", got, "[[[1], [2]], [[26], [27]], [[51], [52]], [[76], [77]]]");
    }
    for (int i = 0; i < 20; i++) {
      try (PreparedStatement statement = connection.prepareStatement("SELECT ? + " + i)) {
        statement.setInt(1, i);
        ResultSet set = statement.executeQuery();
        set.next();
        if (set.getInt(1) != 2 * i) throw new IllegalStateException("sum of " + i);
      }
    }
    check("many statements, each closed", true, true);
  }

  static void results(Connection connection) throws Exception {
    String sql = "SELECT generate_series, concat('row ', generate_series) FROM TABLE(generate_series(1, 50000))";
    for (int fetchSize : isMariadb ? new int[] {0, 1000} : new int[] {0, 1000, Integer.MIN_VALUE}) {
      try (Statement statement =
          connection.createStatement(ResultSet.TYPE_FORWARD_ONLY, ResultSet.CONCUR_READ_ONLY)) {
        statement.setFetchSize(fetchSize);
        long sum = 0;
        try (ResultSet set = statement.executeQuery(sql)) {
          while (set.next()) sum += set.getLong(1);
        }
        check("50,000 rows with fetch size " + fetchSize, sum, 50000L * 50001 / 2);
      }
      try (PreparedStatement statement = connection.prepareStatement(sql + " WHERE generate_series <= ?")) {
        statement.setFetchSize(fetchSize);
        statement.setInt(1, 30000);
        long sum = 0;
        try (ResultSet set = statement.executeQuery()) {
          while (set.next()) sum += set.getLong(1);
        }
        check("30,000 prepared rows with fetch size " + fetchSize, sum, 30000L * 30001 / 2);
      }
    }
    try (Statement statement = connection.createStatement()) {
      statement.setMaxRows(3);
      check("setMaxRows", rows(statement.executeQuery(sql)).size(), 3);
    }
    // Connector/J with useCursorFetch cannot read a row of more than one packet (its MultiPacketReader.probeMessage).
    int size = mode.contains("useCursorFetch") ? 15_000_000 : 17_000_000;
    // repeat() alone gives at most 1 MiB.
    String longText = "SELECT replace(repeat(?, 1000000), 'x', repeat('x', ?))";
    try (PreparedStatement statement = connection.prepareStatement(longText)) {
      statement.setString(1, "x");
      statement.setInt(2, size / 1_000_000);
      ResultSet set = statement.executeQuery();
      set.next();
      check("a row of many MB", set.getString(1).length(), size);
    }
  }

  static long bytesSent(Connection connection) throws SQLException {
    return Long.parseLong(query(connection, "SHOW SESSION STATUS LIKE 'Bytes_sent'").get(0).get(1));
  }

  /** With useCursorFetch rows are sent when they are asked for, and other statements run in between. */
  static void cursors(Connection connection) throws Exception {
    String sql = "SELECT generate_series, concat('row ', generate_series) FROM TABLE(generate_series(1, 50000))";
    try (PreparedStatement statement = connection.prepareStatement(sql)) {
      statement.setFetchSize(100);
      long before = bytesSent(connection);
      long sum = 0;
      try (ResultSet set = statement.executeQuery()) {
        for (int i = 0; i < 150 && set.next(); i++) sum += set.getLong(1);
        long sent = bytesSent(connection) - before;
        check("rows are fetched as they are needed", sent < 50_000, mode.contains("useCursorFetch"));
        while (set.next()) sum += set.getLong(1);
      }
      check("the rest of the rows", sum, 50000L * 50001 / 2);
    }
    // More than the server keeps for a cursor.
    String large = "SELECT repeat('x', 100000) FROM TABLE(generate_series(1, 300))";
    try (PreparedStatement statement = connection.prepareStatement(large)) {
      statement.setFetchSize(10);
      long length = 0;
      try (ResultSet set = statement.executeQuery()) {
        while (set.next()) length += set.getString(1).length();
      }
      check("30 MB of rows", length, 30_000_000L);
    }
  }

  static void sessions(Connection connection, String database) throws Exception {
    boolean plain = mode.contains("DISABLED") || (isMariadb && !mode.contains("sslMode"));
    String cipher = query(connection, "SHOW SESSION STATUS LIKE 'ssl_cipher'").get(0).get(1);
    check("a cipher where there is TLS", cipher.isEmpty(), plain);
    query(connection, "SELECT 1");
    connection.setCatalog(database);
    check("catalog", connection.getCatalog(), database);
    connection.setAutoCommit(false);
    query(connection, "SELECT 1");
    connection.commit();
    connection.rollback();
    connection.setAutoCommit(true);
    connection.setTransactionIsolation(Connection.TRANSACTION_READ_COMMITTED);
    check("isolation", connection.getTransactionIsolation(), Connection.TRANSACTION_READ_COMMITTED);
    connection.setReadOnly(true);
    check("read only", connection.isReadOnly(), true);
    connection.setReadOnly(false);
    check("current user", query(connection, "SELECT USER()").get(0).get(0).startsWith("'root'@"), true);
    try (Statement statement = connection.createStatement()) {
      statement.execute("SET @a = 5");
      check("no result", statement.getUpdateCount(), 0);
      check("result", statement.execute("SELECT @a"), true);
      check("warnings", statement.getWarnings(), null);
    }
  }

  static void metadata(Connection connection, String database) throws Exception {
    try (Statement statement = connection.createStatement()) {
      statement.execute("DROP TABLE IF EXISTS meta");
      statement.execute(
          "CREATE TABLE meta (id INT NOT NULL COMMENT 'the key', name VARCHAR(20), price DECIMAL(10, 2), "
              + "at DATETIME, big LARGEINT, flag BOOLEAN, doc JSON, list ARRAY<INT>) "
              + "DUPLICATE KEY (id) COMMENT 'a table' DISTRIBUTED BY HASH (id) BUCKETS 1");
    }
    DatabaseMetaData meta = connection.getMetaData();
    check("product", meta.getDatabaseProductName(), "MySQL");
    check("version", meta.getDatabaseMajorVersion(), 8);
    check("catalogs", column(meta.getCatalogs(), "TABLE_CAT").contains(database), true);
    check("schemas", column(meta.getSchemas(), "TABLE_SCHEM").size(), 0);
    check("table types", column(meta.getTableTypes(), "TABLE_TYPE").contains("TABLE") || isMariadb, true);
    check(
        "tables",
        column(meta.getTables(database, null, "me%", new String[] {"TABLE", "BASE TABLE"}), "TABLE_NAME", "REMARKS"),
        "[meta a table]");
    check(
        "columns",
        column(meta.getColumns(database, null, "meta", "%"), "COLUMN_NAME", "DATA_TYPE", "NULLABLE"),
        isMariadb
            ? "[id 4 0, name 12 0, price 3 0, at 93 0, big 1111 0, flag 16 0, doc 1111 0, list 1111 0]"
            : "[id 4 0, name 12 1, price 3 1, at 93 1, big -5 1, flag -7 1, doc -1 1, list 1111 1]");
    check("one column", column(meta.getColumns(database, null, "meta", "pr%"), "COLUMN_NAME", "COLUMN_SIZE"), "[price 10]");
    check("primary keys", column(meta.getPrimaryKeys(database, null, "meta"), "COLUMN_NAME").size(), 0);
    check("indexes", column(meta.getIndexInfo(database, null, "meta", false, true), "INDEX_NAME").size(), 0);
    check("imported keys", column(meta.getImportedKeys(database, null, "meta"), "PKTABLE_NAME").size(), 0);
    check("exported keys", column(meta.getExportedKeys(database, null, "meta"), "PKTABLE_NAME").size(), 0);
    check("procedures", column(meta.getProcedures(database, null, "%"), "PROCEDURE_NAME").size(), 0);
    check("functions", column(meta.getFunctions(database, null, "%"), "FUNCTION_NAME").size(), 0);
    check("type info", column(meta.getTypeInfo(), "TYPE_NAME").contains("BIGINT"), true);
    check("keywords", meta.getSQLKeywords().length() > 100, true);
    check("views", column(meta.getTables(database, null, "%", new String[] {"VIEW"}), "TABLE_NAME").size(), 0);
  }

  static void batches(Connection connection, String database) throws Exception {
    try (Statement statement = connection.createStatement()) {
      statement.execute("DROP TABLE IF EXISTS batch");
      statement.execute("CREATE TABLE batch (id INT, name VARCHAR(100), at DATETIME) DUPLICATE KEY (id)");
    }
    try (PreparedStatement statement = connection.prepareStatement("INSERT INTO batch VALUES (?, ?, ?)")) {
      for (int i = 1; i <= 20; i++) {
        statement.setInt(1, i);
        statement.setString(2, i % 5 == 0 ? null : "it's row " + i);
        statement.setObject(3, LocalDateTime.of(2024, 1, 1, 0, 0, i));
        statement.addBatch();
      }
      int[] counts = statement.executeBatch();
      check("batch", counts.length, 20);
    }
    check(
        "batch's rows",
        query(connection, "SELECT count(*), sum(id), count(name), max(name), max(at) FROM batch"),
        "[[20, 210, 16, it's row 9, 2024-01-01 00:00:20]]");
    try (Statement statement = connection.createStatement()) {
      statement.addBatch("INSERT INTO batch (id) VALUES (100)");
      statement.addBatch("INSERT INTO batch (id) VALUES (101), (102)");
      check("batch of texts", Arrays.toString(statement.executeBatch()), "[1, 2]");
      check("update count", statement.executeUpdate("INSERT INTO batch (id) VALUES (103)"), 1);
    }
    check("rows at the end", query(connection, "SELECT count(*) FROM batch"), "[[24]]");
  }

  static void errors(Connection connection) throws Exception {
    checkError("syntax", 1064, () -> query(connection, "SELECT 1 +"));
    checkError("unknown table", 5502, () -> query(connection, "SELECT * FROM no_such_table"));
    checkError("in a prepared statement", 5502, () -> {
      try (PreparedStatement statement = connection.prepareStatement("SELECT a FROM no_such_table WHERE a = ?")) {
        statement.setInt(1, 1);
        statement.executeQuery();
      }
    });
    check("the connection goes on", query(connection, "SELECT 1"), "[[1]]");
  }

  static final String SLOW =
      "SELECT count(*) FROM TABLE(generate_series(1, 3000000)) a, TABLE(generate_series(1, 3000000)) b";

  static void timeouts(Connection connection) throws Exception {
    for (boolean prepared : new boolean[] {false, true}) {
      long started = System.nanoTime();
      String error = "none";
      try (PreparedStatement statement = connection.prepareStatement(SLOW);
          Statement plain = connection.createStatement()) {
        (prepared ? statement : plain).setQueryTimeout(1);
        if (prepared) statement.executeQuery();
        else plain.executeQuery(SLOW);
      } catch (SQLException thrown) {
        error = thrown.toString();
      }
      long tookMs = (System.nanoTime() - started) / 1_000_000;
      boolean told = error.contains("timeout") || error.contains("timed out") || error.contains("interrupted");
      check("query timeout, prepared " + prepared, told && tookMs < 8000 ? "told in time" : error + " " + tookMs, "told in time");
    }
    var pool = Executors.newSingleThreadExecutor();
    try (Statement statement = connection.createStatement()) {
      var running = pool.submit(() -> statement.executeQuery(SLOW));
      Thread.sleep(500);
      statement.cancel();
      String error = "none";
      try {
        running.get();
      } catch (java.util.concurrent.ExecutionException thrown) {
        error = String.valueOf(thrown.getCause());
      }
      check("cancel", error.contains("interrupted") || error.contains("cancel") ? "cancelled" : error, "cancelled");
    } finally {
      pool.shutdownNow();
    }
    check("after cancelling", query(connection, "SELECT 2"), "[[2]]");
  }
}
