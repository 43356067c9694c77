import type { Mutant } from '../../../model/mutant.ts'

const agent = 'agent.js'
const netfilter = 'proxy/netfilter/netfilter.js'
const script = 'proxy/netfilter/script.js'
const base = 'proxy/netfilter/base.js'
const nft = 'proxy/netfilter/nft.js'

/** Faults that a node is left with, and faults of an agent that is not alone on it. */
export const hygieneMutants: readonly Mutant[] = [
  {
    id: 'hyg-rules-stay',
    title: 'the rules stay when the agent is removed',
    changes: [{ file: netfilter, find: 'await applyScript(removeScript());', replace: '' }],
    kills: ['HYG-UN-001'],
  },
  {
    id: 'hyg-address-stays',
    title: "the name server's address stays on the loopback device when the agent is removed",
    changes: [
      {
        file: 'dns/local-address.js',
        find: "await ip('addr', 'del', this.#cidr, 'dev', 'lo');",
        replace: '',
      },
    ],
    kills: ['HYG-UN-003'],
  },
  {
    id: 'hyg-resolv-conf-stays',
    title: "the node's resolv.conf names the agent when it is removed",
    changes: [{ file: agent, find: "cleanupOnExit !== 'never'", replace: 'false' }],
    kills: ['HYG-UN-004'],
  },
  {
    id: 'hyg-listener-stays',
    title: 'a tunnel with its UDP listener stays when the agent is removed',
    changes: [
      {
        file: agent,
        find: 'const lock = await lockNode();',
        replace:
          "const lock = await lockNode(); (await import('node:child_process')).execSync('ip link add mmleft type vxlan id 7 dstport 4790 local 127.0.0.1; ip link set mmleft up; true');",
      },
    ],
    kills: ['HYG-UN-003', 'HYG-UN-007'],
  },
  {
    id: 'hyg-black-hole-at-end',
    title: 'an agent that is told to end leaves a table that drops what is for Services',
    changes: [
      {
        file: agent,
        find: "this.#log.info('ending', {",
        replace:
          "(await import('node:child_process')).execSync(\"nft 'add table ip mmend; add chain ip mmend c { type filter hook prerouting priority -160 ; }; add rule ip mmend c ip daddr 10.96.0.0/16 drop'\"); this.#log.info('ending', {",
      },
    ],
    kills: ['HYG-UN-002'],
  },
  {
    id: 'hyg-stale-rules',
    title: 'an agent that starts adds its rules to those that an earlier one left',
    changes: [
      {
        file: script,
        find: '...removeScript(), frame',
        replace: 'frame',
      },
    ],
    kills: ['HYG-KILL-001'],
  },
  {
    id: 'hyg-refuses-silently',
    title: 'a second agent ends as if all were well',
    changes: [{ file: 'main.js', find: 'cannotServe: 1', replace: 'cannotServe: 0' }],
    kills: ['HYG-KILL-003'],
  },
  {
    id: 'hyg-chains-grow',
    title: 'chains of ports that are gone stay, empty',
    changes: [
      {
        file: script,
        find: '...names.map((name) => `delete chain ${table} ${name}`),',
        replace: '',
      },
    ],
    kills: ['HYG-GRW-001'],
  },
  {
    id: 'hyg-files-grow',
    title: 'each change of the rules leaves an open file',
    changes: [
      {
        file: netfilter,
        find: 'const change = planChange(this.#plan, plan);',
        replace:
          "const change = planChange(this.#plan, plan); (await import('node:fs')).openSync('/dev/null');",
      },
    ],
    kills: ['HYG-GRW-002'],
  },
  {
    id: 'hyg-flushes-all',
    title: "writing the rules takes others' rules away",
    changes: [
      {
        file: script,
        find: '`delete table ${table}`]',
        replace: "'flush ruleset']",
      },
    ],
    kills: ['HYG-ISO-001'],
  },
  {
    id: 'hyg-sync-interrupts',
    title: 'each sync of the rules forgets every UDP flow and refuses for a moment',
    changes: [
      {
        file: netfilter,
        find: 'const listing = normalised(await listTable());',
        replace:
          "(await import('node:child_process')).execSync('nft insert rule ip meshmark guard drop; sleep 0.1'); if (this.#table) await this.#replace(this.#table); const listing = normalised(await listTable());",
      },
    ],
    kills: ['HYG-ISO-002'],
  },
  {
    id: 'hyg-no-repair',
    title: 'rules that somebody flushed stay flushed',
    changes: [{ file: netfilter, find: 'if (problem !== undefined) {', replace: 'if (false) {' }],
    kills: ['HYG-ISO-003'],
  },
  {
    id: 'hyg-lock-is-fatal',
    title: 'the agent ends when somebody else holds the xtables lock',
    changes: [
      {
        file: nft,
        find: 'const script = `${statements.join',
        replace:
          "if ((await import('node:child_process')).spawnSync('flock', ['-n', '/run/xtables.lock', 'true']).status !== 0) process.exit(1); const script = `${statements.join",
      },
    ],
    kills: ['HYG-ISO-004'],
  },
  {
    id: 'hyg-flows-stay',
    title: 'UDP flows to an endpoint that went away are not forgotten',
    changes: [{ file: netfilter, find: 'await this.#forget(stale);', replace: 'void stale;' }],
    kills: ['HYG-CT-001'],
  },
  {
    id: 'hyg-flows-before-endpoints',
    title: 'a flow that began before there were endpoints is let through and remembered',
    changes: [
      {
        file: base,
        find: 'ip daddr @cluster-ips goto reject-packet',
        replace: 'ip daddr @cluster-ips accept',
      },
      {
        file: base,
        find: 'ip daddr . meta l4proto . th dport @no-endpoints goto reject-packet',
        replace: '',
      },
      { file: netfilter, find: 'await this.#forget(stale);', replace: 'void stale;' },
    ],
    kills: ['HYG-CT-002'],
  },
  {
    id: 'hyg-takes-a-port',
    title: 'the agent listens on a port that an application may want',
    changes: [
      {
        file: agent,
        find: 'this.#admin = await this.#serveAdmin();',
        replace:
          "this.#admin = await this.#serveAdmin(); (await import('node:net')).createServer().listen(10000, '0.0.0.0');",
      },
    ],
    kills: ['HYG-PRT-001'],
  },
  {
    id: 'hyg-wide-modes',
    title: 'anybody may run, and by the umask alone not write, what was saved on disk',
    changes: [
      {
        file: 'kube/saved-state.js',
        find: "open(temporary, 'w', 0o600)",
        replace: "open(temporary, 'w', 0o777)",
      },
    ],
    kills: ['HYG-FS-001'],
  },
  {
    id: 'hyg-strays-pass',
    title: 'segments that belong to no connection are forwarded untranslated',
    changes: [
      {
        file: 'proxy/netfilter/base.js',
        find: 'ct state invalid ip saddr @endpoint-ips drop comment',
        replace: 'ct state invalid ip saddr @endpoint-ips accept comment',
      },
    ],
    kills: ['HYG-CT-003'],
  },
]
