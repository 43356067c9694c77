/**
 * The one public door: what scenarios, checks and adapters written elsewhere may import.
 * Types, the few values that go with them, and what makes a target of a user's manifests; no behaviour of the harness
 * itself.
 */
export type { AbortOptions } from './model/abort.ts'
export type {
  ApiFault,
  Capability,
  Cluster,
  ClusterNode,
  ClusterProvider,
  CreateOptions,
  Fault,
  ImageSource,
  Position,
  ProgramChannel,
  ProgramExit,
  ProgramName,
  Programs,
  SpawnOptions,
} from './model/cluster.ts'
export type {
  Assessment,
  BareContext,
  BareLook,
  BareState,
  Check,
  CheckContext,
  Convergence,
  EvidenceKind,
  Finding,
  Fixture,
  FixtureContext,
  FixtureScene,
  Statistic,
} from './model/check.ts'
export type { Problem } from './model/errors.ts'
export {
  assertNever,
  ClusterError,
  HarnessError,
  KubeError,
  LoadError,
  ProbeError,
  ResultError,
  TargetError,
  UsageError,
} from './model/errors.ts'
export type {
  KubeClient,
  KubeList,
  KubeObject,
  KubeTable,
  ObjectKey,
  ObjectMeta,
  ResourceType,
  WatchEvent,
} from './model/kubernetes.ts'
export { muslLookup, nameLookupInC } from './model/name-lookup.ts'
export {
  type Experiment,
  type ExperimentContext,
  type Metric,
  type Replicate,
  Skip,
} from './model/experiment.ts'
export type { GatedMetric } from './model/gate.ts'
export type { LoadGenerator, LoadJob, LoadProfile, LoadResult, LoadTarget } from './model/load.ts'
export type {
  Answered,
  CommandJob,
  DnsJob,
  DnsRecord,
  HttpJob,
  NotAnswered,
  Observation,
  Probe,
  ProbeJob,
  PacketsJob,
  PacketSocket,
  ResolveJob,
  Stream,
  StreamJob,
  StreamPlayed,
  StreamStep,
  TcpJob,
  UdpJob,
  VolleyJob,
} from './model/probe.ts'
export { patternByte, patternBytes } from './model/pattern.ts'
export type { BenchFacts, Ground, Grounded, Question, QuestionArm } from './model/question.ts'
export type { Reporter } from './model/reporter.ts'
export type { CatalogueFeature, Level, Profile, Requirement, Source } from './model/requirement.ts'
export { ResourceStack } from './model/resource-stack.ts'
export type { RunResult } from './model/run-result.ts'
export type { Scenario, ScenarioContext, Step, StepJudgement } from './model/scenario.ts'
export type {
  DeployedTarget,
  Feature,
  Identity,
  PathCounters,
  ResourceUsage,
  SelfReport,
  Target,
} from './model/target.ts'
export type { Lan, LinkShape, NodeSpec, Taint, Topology } from './model/topology.ts'
export type { Sighting, Watch, WatchJob, WatchTarget } from './model/watch.ts'
export { daemonSetTarget, type DaemonSetTargetInit } from './targets/own/daemonset-target.ts'
