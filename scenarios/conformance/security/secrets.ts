import type { Assessment, Check, CheckContext } from '../../../harness/api.ts'
import { clusterIpOf } from '../support/cluster-facts.ts'
import { request } from '../support/connect.ts'
import { Judgement, skipped } from '../support/judgement.ts'
import { inPod } from '../support/positions.ts'
import { onNode } from '../support/shell.ts'
import { suitePrefix } from '../support/restarts.ts'
import { backends } from './backends.fixture.ts'
import { isServed } from './served.ts'

/** Nodes whose logs are read. */
const nodesLooked = [0, 1] as const

/** Requests that bear a secret. */
const requests = 5

/** Seconds of a log in which all of its program's life lies. */
const wholeLifeSeconds = 86_400

/** Shorter values of Secrets are words that may stand anywhere. */
const shortestSecret = 12

/** What a target writes down. */
export const secrets: readonly Check[] = [
  {
    requirement: 'SEC-LOG-001',
    sends: `${requests} requests with a secret of their own in Authorization, Cookie and the path's query to http-0, one of them malformed`,
    expects: 'the log of the target has none of the secrets',
    fixtures: [backends],
    run: async (context) => {
      const judgement = new Judgement()
      if (!(await isServed(context, judgement, 0))) return judgement.assessment('')
      const host = await clusterIpOf(context, context.fixture(backends), 'web')
      const secret = `secret${crypto.randomUUID().replaceAll('-', '')}`
      for (let turn = 0; turn < requests; turn += 1)
        await request(context, inPod(context), `http://${host}/`, {
          headers: [
            ['Authorization', `Bearer ${secret}`],
            ['Cookie', `session=${secret}`],
          ],
        })
      const probe = await context.probe(inPod(context))
      const head = `GET / HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${secret}\r\nbad field\r\n\r\n`
      await probe.run({ kind: 'tcp', host, port: 80, send: head, timeoutMs: 3_000 }, context)
      return nothingOf(context, judgement, (line) => line.includes(secret))
    },
  },
  {
    requirement: 'SEC-LOG-002',
    sends: 'a look at the log and the metrics of the target on two nodes',
    expects: 'no value of a Secret of the cluster, no private key and no token is in them',
    fixtures: [backends],
    run: async (context) => {
      const judgement = new Judgement()
      if (!(await isServed(context, judgement, 0))) return judgement.assessment('')
      const values = await secretValues(context)
      return nothingOf(
        context,
        judgement,
        (line) =>
          line.includes('PRIVATE KEY-----') ||
          /\bBearer [\w.~+/-]{16,}/i.test(line) ||
          // why: a JSON Web Token, as service accounts have (RFC 7519)
          /eyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{10,}/.test(line) ||
          values.some((value) => line.includes(value)),
      )
    },
  },
]

/** Judges that no line of what the target logged and tells is of that kind. */
async function nothingOf(
  context: CheckContext,
  judgement: Judgement,
  isSecret: (line: string) => boolean,
): Promise<Assessment> {
  const { log, tells } = context.target
  if (log === undefined) return skipped('the target has no log that can be read')
  let looked = 0
  for (const index of nodesLooked) {
    const node = context.nodes[index]?.name ?? ''
    const lines = [...(await log(node, wholeLifeSeconds, context))]
    if (tells?.metrics !== undefined && context.cluster.capabilities.has('node-access'))
      lines.push(
        ...(await onNode(context, index, `curl -fsS --max-time 5 ${tells.metrics}`)).split('\n'),
      )
    const found = lines.filter(isSecret)
    judgement.equal(`${node}: lines with secrets`, 0, found.length)
    looked += lines.length
  }
  judgement.atLeast('lines looked at', 1, looked, 'lines')
  return judgement.assessment(`${looked} lines of logs and metrics without a secret`)
}

/** Values of the cluster's Secrets, in clear and as the API writes them; those of the suite left out. */
async function secretValues({ cluster, signal }: CheckContext): Promise<readonly string[]> {
  const type = await cluster.kube.typeOf({ apiVersion: 'v1', kind: 'Secret' }, { signal })
  const { items } = await cluster.kube.list(type, { signal })
  return items
    .filter(({ metadata }) => metadata.namespace?.startsWith(suitePrefix) !== true)
    .flatMap(({ data }) => Object.values((data ?? {}) as Readonly<Record<string, string>>))
    .flatMap((base64) => [base64, Buffer.from(base64, 'base64').toString('utf8').trim()])
    .filter((value) => value.length >= shortestSecret)
}
