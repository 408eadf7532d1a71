import java.nio.charset.StandardCharsets;
import java.time.LocalDateTime;
import java.time.format.DateTimeFormatter;
import java.util.HashMap;
import java.util.Map;
import java.util.TreeMap;
import java.util.zip.CRC32;
import org.apache.hadoop.conf.Configuration;
import org.apache.iceberg.Table;
import org.apache.iceberg.catalog.TableIdentifier;
import org.apache.iceberg.data.IcebergGenerics;
import org.apache.iceberg.data.Record;
import org.apache.iceberg.io.CloseableIterable;
import org.apache.iceberg.jdbc.JdbcCatalog;
import org.apache.iceberg.types.Types;

/** Prints each column of a table as Iceberg's own reader sees it: name, values that are not null, order-free checksum. */
public class ReadTable {
  static String text(Object value) {
    if (value instanceof LocalDateTime time) {
      return time.format(DateTimeFormatter.ofPattern("yyyy-MM-dd HH:mm:ss"));
    }
    return value.toString();
  }

  public static void main(String[] args) throws Exception {
    Map<String, String> options = new HashMap<>();
    options.put("uri", "jdbc:sqlite:" + args[0] + "/state.db");
    options.put("warehouse", "file://" + args[0] + "/warehouse");
    options.put("jdbc.schema-version", "V1");
    try (JdbcCatalog catalog = new JdbcCatalog()) {
      catalog.setConf(new Configuration());
      catalog.initialize("default_glue_catalog", options);
      Table table = catalog.loadTable(TableIdentifier.parse(args[1]));
      Map<String, long[]> columns = new TreeMap<>();
      for (Types.NestedField field : table.schema().columns()) {
        columns.put(field.name(), new long[2]);
      }
      try (CloseableIterable<Record> rows = IcebergGenerics.read(table).build()) {
        for (Record row : rows) {
          for (Map.Entry<String, long[]> column : columns.entrySet()) {
            Object value = row.getField(column.getKey());
            if (value != null) {
              CRC32 crc = new CRC32();
              crc.update(text(value).getBytes(StandardCharsets.UTF_8));
              column.getValue()[0]++;
              column.getValue()[1] += crc.getValue();
            }
          }
        }
      }
      columns.forEach((name, sums) -> System.out.println(name + "\t" + sums[0] + "\t" + Long.toUnsignedString(sums[1])));
    }
  }
}
