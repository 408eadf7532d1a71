import static io.trino.testing.TestingSession.testSessionBuilder;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.trino.Session;
import io.trino.plugin.iceberg.IcebergPlugin;
import io.trino.spi.type.SqlTimestamp;
import io.trino.spi.type.SqlTimestampWithTimeZone;
import io.trino.spi.type.TimeZoneKey;
import io.trino.testing.MaterializedResult;
import io.trino.testing.MaterializedRow;
import io.trino.testing.StandaloneQueryRunner;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.math.BigDecimal;
import java.time.LocalDateTime;
import java.time.ZoneOffset;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * A Trino server in this process. Each line of stdin is "home TAB query" (the catalog is called floe, the JDBC catalog over the home's
 * database); the answer is one line of JSON: {"columns": […], "rows": [[…], …]} or {"error": "…"}.
 */
public final class ReadTables {
    private static final DateTimeFormatter WHOLE = DateTimeFormatter.ofPattern("yyyy-MM-dd HH:mm:ss");
    private static final DateTimeFormatter FINE = DateTimeFormatter.ofPattern("yyyy-MM-dd HH:mm:ss.SSSSSS");

    private static Object cell(Object v) {
        if (v == null || v instanceof Boolean || v instanceof Long || v instanceof Integer || v instanceof Double || v instanceof Float || v instanceof String) {
            return v;
        }
        if (v instanceof SqlTimestamp t) {
            return cell(t.toLocalDateTime());
        }
        if (v instanceof SqlTimestampWithTimeZone t) {
            return cell(t.toZonedDateTime());
        }
        if (v instanceof ZonedDateTime t) {
            return cell(t.withZoneSameInstant(ZoneOffset.UTC).toLocalDateTime());
        }
        if (v instanceof LocalDateTime t) {
            return t.format(t.getNano() == 0 ? WHOLE : FINE);
        }
        if (v instanceof BigDecimal d) {
            return d.toPlainString();
        }
        if (v instanceof List<?> list) {
            List<Object> out = new ArrayList<>();
            list.forEach(x -> out.add(cell(x)));
            return out;
        }
        if (v instanceof Map<?, ?> map) {
            Map<Object, Object> out = new LinkedHashMap<>();
            map.forEach((k, x) -> out.put(String.valueOf(cell(k)), cell(x)));
            return out;
        }
        if (v instanceof MaterializedRow row) {
            return cell(row.getFields());
        }
        return v.toString();
    }

    public static void main(String[] arguments) throws Exception {
        PrintStream out = System.out;
        System.setOut(System.err);
        ObjectMapper json = new ObjectMapper();
        Map<String, String> catalogs = new HashMap<>();
        Session session = testSessionBuilder().setTimeZoneKey(TimeZoneKey.UTC_KEY).build();
        try (StandaloneQueryRunner runner = new StandaloneQueryRunner(session)) {
            runner.installPlugin(new IcebergPlugin());
            BufferedReader in = new BufferedReader(new InputStreamReader(System.in));
            for (String line = in.readLine(); line != null; line = in.readLine()) {
                String[] words = line.split("\t", 2);
                Map<String, Object> answer = new LinkedHashMap<>();
                try {
                    String name = catalogs.get(words[0]);
                    if (name == null) {
                        name = "floe" + catalogs.size();
                        runner.createCatalog(name, "iceberg", Map.ofEntries(
                                Map.entry("iceberg.catalog.type", "jdbc"),
                                Map.entry("iceberg.jdbc-catalog.driver-class", "org.sqlite.JDBC"),
                                Map.entry("iceberg.jdbc-catalog.connection-url", "jdbc:sqlite:" + words[0] + "/state.db"),
                                Map.entry("iceberg.jdbc-catalog.catalog-name", "default_glue_catalog"),
                                Map.entry("iceberg.jdbc-catalog.schema-version", "V1"),
                                Map.entry("iceberg.jdbc-catalog.default-warehouse-dir", "file://" + words[0] + "/warehouse"),
                                Map.entry("iceberg.metadata-cache.enabled", "false"),
                                Map.entry("fs.local.enabled", "true"),
                                Map.entry("local.location", "/")));
                        catalogs.put(words[0], name);
                    }
                    MaterializedResult result = runner.execute(session, words[1].replace("floe.", name + "."));
                    List<Object> rows = new ArrayList<>();
                    for (MaterializedRow row : result.getMaterializedRows()) {
                        rows.add(cell(row.getFields()));
                    }
                    answer.put("columns", result.getColumnNames());
                    answer.put("rows", rows);
                } catch (RuntimeException fault) {
                    StringBuilder text = new StringBuilder();
                    for (Throwable t = fault; t != null; t = t.getCause()) {
                        text.append(t.getClass().getSimpleName()).append(": ").append(t.getMessage()).append("; ");
                    }
                    answer.put("error", text.toString());
                }
                out.println(json.writeValueAsString(answer));
                out.flush();
            }
        }
    }
}
