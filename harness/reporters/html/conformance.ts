import type {
  ConformanceConclusion,
  ConformanceResult,
  ProfileStatus,
  SelfTestResult,
  TestStatus,
} from '../../model/conformance.ts'
import { byProfile, troubles } from '../conformance.ts'
import { badText, goodText, unprovenText } from '../conformance-sentence.ts'
import { absent } from '../format.ts'
import { counted } from '../text.ts'
import { row, statusWords } from './conformance-row.ts'
import { heading, section, slug, type Frame } from './frame.ts'
import { markup, type Markup, type Part } from './markup.ts'
import { table, textColumn } from './table.ts'

/** Which rows a document shows in full: for the sake of size only those that did not pass. */
export type ShownRows = 'all' | 'not-passed'

const words: Readonly<Record<ConformanceConclusion, string>> = {
  conformant: 'Conformant.',
  partial: 'Conformant in part.',
  nonConformant: 'Not conformant.',
  inconclusive: 'No verdict.',
}

/** The suite: verdict, profiles with their counts, and every row with its evidence. */
export function conformance(result: ConformanceResult, frame: Frame, shown: ShownRows): Markup {
  const { catalogue, tests, declaredFeatures, notAutomated, conclusion } = result
  const id = `${frame.prefix}conformance`
  return section(
    frame,
    'conformance',
    'Conformance',
    markup`<p class="lead"><strong>${words[conclusion]}</strong> ${countsText(result)} ${counted(tests.length, 'row')} of catalogue ${catalogue.version}, which has ${catalogue.rows}. Features claimed: ${declaredFeatures.length === 0 ? 'none' : declaredFeatures.join(', ')}.</p>`,
    profileTable(result, frame),
    markup`<div data-filter="${id}">
${byProfile(result).map(({ profile, tests: own }) => {
  const bad = troubles(own)
  const unclaimed = own.filter(({ status }) => status === 'notSupported')
  const passed = own.filter(({ status }) => status === 'passed')
  return markup`<div class="profile" id="${profileId(profile.name, frame)}" data-group>
${heading(frame.level + 1, profile.name)}
<p class="meta">${profile.summary}</p>
${bad.length > 0 && markup`<ul class="rows">${bad.map((test) => row(test, frame))}</ul>`}
${folded(unclaimed.length, 'row', 'of features that are not claimed', () =>
  unclaimed.map((test) => row(test, frame)),
)}
${
  shown === 'all'
    ? folded(passed.length, 'row', 'passed', () => passed.map((test) => row(test, frame)))
    : passed.length > 0 &&
      markup`<p class="meta">${counted(passed.length, 'row')} passed; for the sake of size they are in result.json alone.</p>`
}</div>
`
})}</div>`,
    notAutomated.length > 0 &&
      markup`<details class="rest"><summary>${counted(notAutomated.length, 'row')} of the catalogue without a check</summary>${table(
        {
          id: `${id}-not-automated`,
          caption: 'Rows that no check judges',
          columns: ['row', 'why'].map(textColumn),
          rows: notAutomated.map((one) => [markup`<code>${one.id}</code>`, one.reason]),
        },
      )}</details>`,
    result.selfTest !== undefined && selfTest(result.selfTest),
  )
}

function countsText(result: ConformanceResult): string {
  const text = badText(result) || unprovenText(result) || goodText(result).replace(/^[^:]*: /, '')
  return `${text}.`
}

function folded(count: number, one: string, what: string, content: () => Part): Markup | false {
  if (count === 0) return false
  return markup`<details class="group"><summary>${counted(count, one)} ${what}</summary><ul class="rows">${content()}</ul></details>`
}

function profileId(name: string, { prefix }: Frame): string {
  return `${prefix}profile-${slug(name)}`
}

function profileTable({ profiles }: ConformanceResult, frame: Frame): Markup {
  return table({
    id: `${frame.prefix}profiles`,
    caption: 'Rows that passed, by profile: core is every MUST without a feature',
    columns: ['profile', 'core', 'extended', 'recommended'].map(textColumn),
    rows: profiles.map(({ name, core, extended, recommended }) => [
      markup`<a href="#${profileId(name, frame)}">${name}</a>`,
      statusCell(core, true),
      statusCell(extended, true),
      statusCell(recommended, false),
    ]),
  })
}

/** `6 of 7`, and what the others are; a bar shows the share. */
export function statusCell(status: ProfileStatus | undefined, decides: boolean): Part {
  if (status === undefined) return absent
  const { passed, ...others } = status.statistics
  const claimed =
    Object.values(others).reduce((sum, one) => sum + one, passed) - others.notSupported
  const rest = Object.entries(others)
    .filter(([, count]) => count > 0)
    .map(([name, count]) => `${count} ${statusWords[name as TestStatus]}`)
  const tone =
    claimed === passed
      ? 's-passed'
      : status.result === 'failure' && decides
        ? 's-failed'
        : 's-invalid'
  return markup`<span class="share ${tone}"><strong>${claimed === 0 ? absent : `${passed} of ${claimed}`}</strong>${
    claimed > 0 &&
    markup`<progress max="${claimed}" value="${passed}" aria-hidden="true"></progress>`
  }${rest.length > 0 && markup`<small>${rest.join(', ')}</small>`}</span>`
}

function selfTest({ mutants, withoutMutant }: SelfTestResult): Markup {
  const survivors = mutants.filter(({ killedBy }) => killedBy.length === 0)
  return markup`<details class="rest"><summary>Self-test: ${mutants.length - survivors.length} of ${counted(mutants.length, 'mutant')} killed</summary>
<p>${survivors.length === 0 ? 'Every fault was found.' : `Not found: ${survivors.map(({ id, title }) => `${id} (${title})`).join(', ')}.`}</p>
<p>${withoutMutant.length === 0 ? 'Every automated MUST row kills one.' : `MUST rows that kill none: ${withoutMutant.join(', ')}.`}</p></details>`
}
