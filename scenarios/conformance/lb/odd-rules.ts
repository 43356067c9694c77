/** What a DestinationRule says that a target may not know, or not do, and that must not harm it. */
export interface OddRule {
  readonly name: string
  /** Beside `host`. */
  readonly spec: object
}

/** None of them asks for anything but that every endpoint gets its share. */
export const oddRules: readonly OddRule[] = [
  ...['PASSTHROUGH', 'LEAST_CONN', 'LEAST_REQUEST'].map((simple): OddRule => ({
    name: simple,
    spec: { trafficPolicy: { loadBalancer: { simple } } },
  })),
  { name: 'no trafficPolicy', spec: {} },
  { name: 'subsets only', spec: { subsets: [{ name: 'v1', labels: { version: 'v1' } }] } },
  {
    name: 'portLevelSettings',
    spec: {
      trafficPolicy: {
        portLevelSettings: [{ port: { number: 81 }, loadBalancer: { simple: 'RANDOM' } }],
      },
    },
  },
]
