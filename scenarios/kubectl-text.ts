import type { KubeTable } from '../harness/api.ts'

/** Prints a server-side Table the way kubectl does: upper-case heads, three spaces between columns. */
export function tableText(
  table: KubeTable,
  { wide = false }: { readonly wide?: boolean } = {},
): string {
  const shown = table.columns.flatMap((column, index) =>
    column.priority === 0 || wide ? [{ head: column.name.toUpperCase(), index }] : [],
  )
  const lines = [
    shown.map(({ head }) => head),
    ...table.rows.map((row) => shown.map(({ index }) => cellText(row[index]))),
  ]
  const widths = shown.map((_, at) => Math.max(...lines.map((line) => (line[at] ?? '').length)))
  return lines
    .map((line) =>
      line
        .map((cell, at) => (at === line.length - 1 ? cell : cell.padEnd(widths[at] ?? 0)))
        .join('   '),
    )
    .join('\n')
}

function cellText(cell: unknown): string {
  if (cell === null || cell === undefined || cell === '') return '<none>'
  return typeof cell === 'string' ? cell : JSON.stringify(cell)
}
