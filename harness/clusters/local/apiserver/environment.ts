import type { KubeObject } from '../../../model/kubernetes.ts'
import type { Registry, ServedResource } from './registry.ts'
import type { MutableObject, StrategyContext } from './resource-definition.ts'
import type { Schema } from './schema.ts'
import type { Store } from './storage/store.ts'

/** Numbers that tests make small. */
export interface Tuning {
  /** How many changes per resource a watch can go back. */
  readonly eventWindow: number
  readonly bookmarkIntervalMs: number
  /** A watcher that has this much unsent is cut. */
  readonly watchBacklogBytes: number
  /** How long a watch lasts that does not say so itself; doubled at random, as the real server does. */
  readonly watchTimeoutSeconds: number
}

export const defaultTuning: Tuning = {
  eventWindow: 2_000,
  bookmarkIntervalMs: 60_000,
  watchBacklogBytes: 8 * 1024 * 1024,
  watchTimeoutSeconds: 1_800,
}

/** Who asks. */
export interface User {
  readonly name: string
  readonly uid?: string
  readonly groups: readonly string[]
  readonly extra?: Readonly<Record<string, readonly string[]>>
}

/** What every verb works on. */
export interface ApiEnvironment {
  readonly store: Store
  readonly registry: Registry
  /** Of the built-in kinds. */
  readonly schema: Schema
  readonly strategy: StrategyContext
  readonly tuning: Tuning
}

/** What the query of a write asks for. */
export interface WriteOptions {
  readonly isDryRun: boolean
  readonly fieldManager: string
  readonly fieldValidation: 'Ignore' | 'Warn' | 'Strict'
}

/** What a write stored, and what the client should be warned of. */
export interface Written {
  readonly object: KubeObject
  readonly isCreated: boolean
}

/** An object as this version of its resource shows it. */
export function present(resource: ServedResource, object: KubeObject): KubeObject {
  const { definition } = resource
  const apiVersion =
    definition.group === '' ? definition.version : `${definition.group}/${definition.version}`
  return object.apiVersion === apiVersion ? object : { ...object, apiVersion }
}

/** The name that a write is about, for messages: generated names are not known yet. */
export function nameOf(object: MutableObject | KubeObject): string {
  const { name } = object.metadata as { readonly name?: unknown }
  return typeof name === 'string' ? name : ''
}
