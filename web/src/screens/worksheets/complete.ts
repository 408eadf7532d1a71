/** Completion of SQL from the catalog: tables by full name, columns of the tables that the text names. */
import type { CompletionSource } from '@codemirror/autocomplete'
import type { Table, TableColumn } from '../../api/lake'

const WORDS = 'SELECT FROM WHERE GROUP BY ORDER BY LIMIT HAVING JOIN LEFT JOIN ON AS DISTINCT COUNT SUM AVG MIN MAX CREATE FILE CONNECTION S3 CONNECTION GLUE_CATALOG CONNECTION ICEBERG TABLE SYNC JOB COPY FROM INSERT INTO PARTITIONED BY PRIMARY KEY START_FROM DATE_PATTERN CONTENT_TYPE COLUMN_TRANSFORMATIONS RUN_INTERVAL MAP_COLUMNS_BY_NAME UUID_GENERATOR TIME_FILTER EXPLAIN'.split(' ')

export function completeSql(tables: () => Table[], columns: () => TableColumn[]): CompletionSource {
  return (context) => {
    const word = context.matchBefore(/[\w.$]*/)
    if (!word || (word.from === word.to && !context.explicit)) return null
    const text = context.state.doc.toString().toLowerCase()
    const named = tables().filter((t) => text.includes(t.name.toLowerCase()))
    const shown = named.length ? named : tables()
    return {
      from: word.from,
      validFor: /^[\w.$]*$/,
      options: [
        ...columns().filter((c) => shown.some((t) => t.full === c.table)).map((c) => ({ label: c.name, detail: c.type.toLowerCase(), type: 'property', boost: 2 })),
        ...tables().map((t) => ({ label: t.full, detail: `${t.rows} rows`, type: 'class', boost: 1 })),
        ...[...new Set(WORDS)].map((w) => ({ label: w, type: 'keyword' })),
      ],
    }
  }
}
