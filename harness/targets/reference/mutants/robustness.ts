import type { Mutant } from '../../../model/mutant.ts'

const records = 'kube/records.js'

/** Faults of an agent that meets what it did not expect. */
export const robustnessMutants: readonly Mutant[] = [
  {
    id: 'rob-crash-on-odd-rule',
    title: 'a DestinationRule with an unknown policy ends the agent',
    changes: [
      {
        file: 'kube/destination-rule.js',
        find: 'note(`${where} ${shown(value)} is no known policy`);',
        replace: 'process.exit(3);',
      },
    ],
    kills: ['ROB-CR-001'],
  },
  {
    id: 'rob-crash-on-sctp',
    title: 'a port of SCTP ends the agent',
    changes: [
      {
        file: 'proxy/planner.js',
        find: "protocol !== 'sctp')",
        replace: 'protocol !== process.exit(3))',
      },
    ],
    kills: ['ROB-API-001'],
  },
  {
    id: 'rob-needs-node-names',
    title: 'a pod as an endpoint without nodeName ends the agent',
    changes: [
      {
        file: records,
        find: '...(isText(nodeName) && { nodeName }),',
        replace:
          "...(isText(nodeName) ? { nodeName } : String(addresses).startsWith('10.') ? process.exit(3) : {}),",
      },
    ],
    kills: ['ROB-API-002'],
  },
  {
    id: 'rob-knows-every-protocol',
    title: 'an unknown appProtocol ends the agent',
    changes: [
      {
        file: records,
        find: '...(isText(appProtocol) && { appProtocol }),',
        replace:
          '...(isText(appProtocol) && { appProtocol: appProtocol.startsWith("example.com") ? process.exit(3) : appProtocol }),',
      },
    ],
    kills: ['ROB-API-003'],
  },
  {
    id: 'rob-slice-needs-service',
    title: 'slices that come before their Service are forgotten',
    changes: [
      {
        file: 'kube/cluster-state.js',
        find: 'this.#slicesOf.set(owner, slices.set(after.name, after));',
        replace:
          'if (this.services.get(owner) !== undefined) this.#slicesOf.set(owner, slices.set(after.name, after));',
      },
    ],
    kills: ['ROB-API-004'],
  },
  {
    id: 'rob-crash-without-files',
    title: 'the agent ends when it cannot open a file',
    changes: [
      {
        file: 'agent.js',
        find: 'const lock = await lockNode();',
        replace:
          "const lock = await lockNode(); const fs = await import('node:fs'); setInterval(() => { try { fs.closeSync(fs.openSync('/dev/null')); } catch { process.exit(3); } }, 20);",
      },
    ],
    kills: ['ROB-FD-001'],
  },
  {
    id: 'rob-crash-on-read-only',
    title: 'the agent ends when its state cannot be saved',
    changes: [
      {
        file: 'kube/saved-state.js',
        find: 'await rm(temporary, { force: true });',
        replace: 'process.exit(3);',
      },
    ],
    kills: ['ROB-DSK-001'],
  },
  {
    id: 'rob-bad-configuration-is-fine',
    title: 'a bad configuration ends the agent as if all were well',
    changes: [
      {
        file: 'main.js',
        find: 'return process.exit(exitCode.badConfiguration);',
        replace: 'return process.exit(0);',
      },
    ],
    kills: ['ROB-CFG-001'],
  },
]
