import type { RunResult } from '../../model/run-result.ts'
import { mebibytes, number } from '../format.ts'
import { reproduceCommand } from '../reproduce.ts'
import { topology } from './charts/topology.ts'
import { section, type Frame } from './frame.ts'
import { markup, type Markup, type Part } from './markup.ts'
import { facts, table, textColumn } from './table.ts'

/** The machine and the programs that took part. */
export function environment({ environment: found }: RunResult, frame: Frame): Markup {
  const optional = (
    name: string,
    value: string | undefined,
  ): readonly (readonly [string, Part])[] => (value === undefined ? [] : [[name, value]])
  return section(
    frame,
    'environment',
    'Environment',
    facts([
      ['Operating system', found.os],
      ['Kernel', found.kernel],
      ['Processor', `${found.cpuModel}, ${found.arch}`],
      ['CPUs', String(found.cpus)],
      ['Memory', mebibytes(found.memoryMib)],
      ...optional('CPU governor', found.governor),
      ...optional('Clock source', found.clocksource),
      ...optional('Virtualization', found.virtualization),
      ['Load average at start', found.loadAverageAtStart.map(number).join(', ')],
    ]),
    table({
      id: `${frame.prefix}tools`,
      caption: 'Programs that took part',
      columns: [textColumn('program'), textColumn('version')],
      rows: Object.entries(found.tools).map(([name, version]) => [name, version]),
    }),
  )
}

/** The nodes and how they hang together. */
export function cluster(
  { cluster: { nodes, description, provider } }: RunResult,
  frame: Frame,
): Markup {
  const id = `${frame.prefix}topology`
  return section(
    frame,
    'cluster',
    'Cluster',
    nodes.length === 0
      ? markup`<p>There was no cluster: the run ended before provider ${provider} had one.</p>`
      : markup`<div class="charts"><figure>${topology(id, nodes)}</figure>
<div>${table({
          id: `${id}-nodes`,
          caption: 'Nodes',
          columns: ['name', 'role', 'address', 'LAN'].map(textColumn),
          rows: nodes.map((node) => [node.name, node.role, node.address, node.lan]),
        })}</div></div>`,
    facts(Object.entries(description)),
  )
}

/** The line that repeats the run. */
export function reproduce(result: RunResult, frame: Frame): Markup {
  const { suite } = result
  return section(
    frame,
    'reproduce',
    'Reproduce',
    markup`<p>The same machine, the same seed (${suite.seed}), hence the same arrivals and the same order of trials:</p>
<pre class="command" data-copy><span class="prompt" aria-hidden="true">$ </span><code>${reproduceCommand(result)}</code></pre>
${
  suite.commit !== undefined &&
  markup`<p>From a checkout: commit <code>${suite.commit}</code>${suite.dirty === true && ', which had local changes, so that the commit alone may not repeat it'}.</p>`
}`,
  )
}

/** Trouble of the harness itself. */
export function problems(result: RunResult, frame: Frame): Markup {
  return section(
    frame,
    'problems',
    'Problems of the harness',
    result.problems.length === 0
      ? markup`<p>None.</p>`
      : markup`<ul class="problems">${result.problems.map((problem) => markup`<li>${problem}</li>`)}</ul>`,
  )
}
