import { type Check, type CheckContext, muslLookup, nameLookupInC } from '../../../harness/api.ts'
import { skipped } from '../support/judgement.ts'
import { dnsServer } from '../support/dns.ts'
import { inPod } from '../support/positions.ts'
import { services } from './services.fixture.ts'
import { protocolCheck } from './protocol-check.ts'

/** One lookup by a program of the machine: glibc's getent starts in milliseconds, kubectl takes longer. */
const lookupMs = 20_000

/**
 * Each resolver: needed programs (blanks part such as will do, too), and the command that prints addresses of `$1` under
 * the resolv.conf that is in place.
 */
const resolvers = {
  glibc: { needs: ['getent'], command: 'getent ahostsv4 "$1" | cut -d" " -f1 | sort -u' },
  musl: {
    needs: [`${muslLookup} musl-gcc`],
    command: `lookup=${muslLookup}; command -v $lookup >/dev/null ||
      { lookup=$dir/lookup; musl-gcc -static -x c -o "$lookup" "$dir/lookup.c"; } && "$lookup" "$1" | sort -u`,
  },
  Go: {
    needs: ['kubectl'],
    command:
      'GODEBUG=netdns=go kubectl -v=8 --request-timeout=2s --server="http://$1:9" get --raw / 2>&1 | grep -oE "dial tcp [0-9.]+:9" | cut -d" " -f3 | cut -d: -f1 | sort -u',
  },
  'c-ares': {
    needs: ['node'],
    command: `node -e 'require("dns").resolve4(process.argv[1], (e, a) => console.log(e ? e.code : a.join()))' "$1"`,
  },
} as const

type Resolver = keyof typeof resolvers

/** A and AAAA one after the other, where servers and firewalls drop the second of two (resolv.conf(5)). */
const oneByOne = {
  needs: ['getent'],
  command: 'getent ahosts "$1" | cut -d" " -f1 | grep -v : | sort -u',
  options: 'ndots:5 single-request',
} as const

/** What applications get: the resolvers of C libraries and languages. */
export const resolverChecks: readonly Check[] = [
  {
    ...protocolCheck({
      requirement: 'DNSP-RES-001',
      sends:
        '<service>, <service>.<namespace> and <service>.<namespace>.svc to getaddrinfo of glibc and musl in a pod whose resolv.conf has the search path of that namespace and ndots:5',
      expects: 'the ClusterIP each time',
      judge: async (context, { judgement, clusterIp }) => {
        const namespace = context.fixture(services)
        for (const resolver of ['glibc', 'musl'] as const)
          for (const name of ['web', `web.${namespace}`, `web.${namespace}.svc`])
            judgement.equal(
              `${resolver}: ${name}`,
              clusterIp,
              await lookup(context, resolvers[resolver], name),
            )
        return `${clusterIp} by glibc and musl`
      },
    }),
  },
  protocolCheck({
    requirement: 'DNSP-RES-003',
    sends: "the full name of a Service to getaddrinfo of glibc and musl, Go's resolver and c-ares",
    expects: 'the ClusterIP each time',
    judge: async (context, { judgement, name, clusterIp }) => {
      for (const resolver of Object.keys(resolvers) as Resolver[])
        judgement.equal(resolver, clusterIp, await lookup(context, resolvers[resolver], name))
      return `${clusterIp} by ${Object.keys(resolvers).join(', ')}`
    },
  }),
  protocolCheck({
    requirement: 'EDGE-CLI-008',
    sends:
      "<service>, <service>.<namespace> and the full name to getaddrinfo of musl, which asks for A and AAAA at once, of glibc with single-request, and to Go's resolver; the full name to c-ares by way of Node.js, which has no search path",
    expects: 'the ClusterIP each time',
    judge: async (context, { judgement, name, clusterIp }) => {
      const namespace = context.fixture(services)
      const searching = { musl: resolvers.musl, glibc: oneByOne, Go: resolvers.Go }
      for (const [client, resolver] of Object.entries(searching))
        for (const asked of ['web', `web.${namespace}`, name])
          judgement.equal(`${client}: ${asked}`, clusterIp, await lookup(context, resolver, asked))
      judgement.equal(
        `c-ares: ${name}`,
        clusterIp,
        await lookup(context, resolvers['c-ares'], name),
      )
      return `${clusterIp} by musl, glibc with single-request, Go and c-ares`
    },
  }),
].map(withPrograms)

/** Looks first whether the programs are there: without them nothing can be said. */
function withPrograms(check: Check): Check {
  return {
    ...check,
    run: async (context) => {
      const names =
        check.requirement === 'DNSP-RES-001'
          ? (['glibc', 'musl'] as const)
          : (Object.keys(resolvers) as Resolver[])
      const wanted = ['unshare', 'mount', ...names.flatMap((one) => resolvers[one].needs)]
      const script =
        'for one; do for each in $one; do command -v "$each" >/dev/null && continue 2; done; echo "$one"; done'
      const missing = await shell(context, script, wanted)
      const shown = missing.split('\n').map((words) => words.replaceAll(' ', ' or '))
      return missing === ''
        ? check.run(context)
        : skipped(`the pod of the client has no ${shown.join(', ')}`)
    },
  }
}

/** Addresses that a resolver gives, under a resolv.conf as a kubelet writes it for a pod of the fixture's namespace. */
async function lookup(
  context: CheckContext,
  { command, options = 'ndots:5' }: { readonly command: string; readonly options?: string },
  name: string,
): Promise<string> {
  const { clusterDomain } = context.cluster.topology
  const search = [`${context.fixture(services)}.svc`, 'svc', '']
    .map((prefix) => [prefix, clusterDomain].filter((part) => part !== '').join('.'))
    .join(' ')
  const conf = `nameserver ${dnsServer(context).address}\nsearch ${search}\noptions ${options}\n`
  const script = `dir=$(mktemp -d) && export dir && printf %s "$2" >"$dir/resolv.conf" && printf %s "$3" >"$dir/lookup.c" &&
unshare --mount sh -c 'mount --bind "$dir/resolv.conf" /etc/resolv.conf && eval "$2"' sh "$1" "$4" 2>&1; rm -r "$dir"`
  return shell(context, script, [name, conf, nameLookupInC, command])
}

async function shell(
  context: CheckContext,
  script: string,
  args: readonly string[],
): Promise<string> {
  const probe = await context.probe(inPod(context))
  const seen = await probe.run(
    { kind: 'command', argv: ['sh', '-c', script, 'sh', ...args], timeoutMs: lookupMs },
    context,
  )
  if (seen.kind !== 'exited') throw new Error(`sh: ${seen.kind}`)
  return `${seen.stdout}${seen.stderr}`.trim()
}
