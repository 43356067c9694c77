import { randomUUID } from 'node:crypto'
import type { KubeObject } from '../../../../model/kubernetes.ts'
import { isArray, isObject } from '../json.ts'
import type { FieldError, MutableObject, ResourceDefinition } from '../resource-definition.ts'
import {
  label1035Problems,
  labelKeyProblems,
  labelProblems,
  labelValueProblems,
  pathSegmentProblems,
  subdomainProblems,
} from './names.ts'

/** Vowels and look-alikes are left out, so that no word comes out by accident. */
const suffixAlphabet = 'bcdfghjklmnpqrstvwxz2456789'
const maxGeneratedNameLength = 63
const suffixLength = 5
const maxAnnotationBytes = 256 * 1024

/** A name made of a prefix and five random characters. */
export function generateName(prefix: string): string {
  const random = crypto.getRandomValues(new Uint8Array(suffixLength))
  const suffix = [...random].map((byte) => suffixAlphabet[byte % suffixAlphabet.length] ?? 'x')
  return prefix.slice(0, maxGeneratedNameLength - suffixLength) + suffix.join('')
}

/** Gives a new object what only the server decides, and takes away what a client may not set. */
export function fillSystemFields(
  object: MutableObject,
  definition: ResourceDefinition,
  now: Date,
): void {
  const { metadata } = object
  metadata['uid'] = randomUUID()
  metadata['creationTimestamp'] = timestamp(now)
  delete metadata['deletionTimestamp']
  delete metadata['deletionGracePeriodSeconds']
  delete metadata['selfLink']
  delete metadata['managedFields']
  delete metadata['generation']
  if (definition.countsGeneration) metadata['generation'] = 1
}

/** Keeps what a client may not change; what differs and matters is reported by {@link validateMetaUpdate}. */
export function carrySystemFields(next: MutableObject, current: KubeObject): void {
  const { metadata } = next
  for (const field of [
    'uid',
    'creationTimestamp',
    'deletionTimestamp',
    'deletionGracePeriodSeconds',
    'generation',
    'generateName',
    'resourceVersion',
  ]) {
    const value = current.metadata[field]
    if (value === undefined) Reflect.deleteProperty(metadata, field)
    else metadata[field] = value
  }
  delete metadata['selfLink']
}

/** RFC 3339 with whole seconds, as metav1.Time. */
export function timestamp(date: Date): string {
  return date.toISOString().replace(/\.\d+Z$/, 'Z')
}

export function validateMeta(
  object: KubeObject,
  definition: ResourceDefinition,
): readonly FieldError[] {
  const { metadata } = object
  const errors: FieldError[] = []
  for (const detail of nameProblems(metadata.name, definition)) {
    errors.push(invalidValue('metadata.name', metadata.name, detail))
  }
  errors.push(...validateLabels(metadata.labels, 'metadata.labels'))
  errors.push(...validateAnnotations(metadata.annotations))
  for (const [index, finalizer] of (metadata.finalizers ?? []).entries()) {
    for (const detail of labelKeyProblems(finalizer)) {
      errors.push(invalidValue(`metadata.finalizers[${index}]`, finalizer, detail))
    }
  }
  errors.push(...validateOwners(metadata['ownerReferences']))
  return errors
}

/** What an update may not change. */
export function validateMetaUpdate(object: KubeObject, old: KubeObject): readonly FieldError[] {
  const errors: FieldError[] = []
  for (const field of ['name', 'namespace'] as const) {
    const value = object.metadata[field]
    if (value !== old.metadata[field]) {
      errors.push(invalidValue(`metadata.${field}`, value, 'field is immutable'))
    }
  }
  const oldFinalizers = new Set(old.metadata.finalizers)
  const added = (object.metadata.finalizers ?? []).filter((name) => !oldFinalizers.has(name))
  if (old.metadata.deletionTimestamp !== undefined && added.length > 0) {
    errors.push({
      type: 'FieldValueForbidden',
      field: 'metadata.finalizers',
      detail: `no new finalizers can be added if the object is being deleted, found new finalizers []string{${added.map((name) => `"${name}"`).join(', ')}}`,
    })
  }
  return errors
}

/** Checks any map of labels, e.g. a pod template's. */
export function validateLabels(
  labels: Readonly<Record<string, string>> | undefined,
  field: string,
): readonly FieldError[] {
  return Object.entries(labels ?? {}).flatMap(([key, value]) => [
    ...labelKeyProblems(key).map((detail) => invalidValue(field, key, detail)),
    ...labelValueProblems(value).map((detail) => invalidValue(field, value, detail)),
  ])
}

function validateAnnotations(
  annotations: Readonly<Record<string, string>> | undefined,
): readonly FieldError[] {
  const errors: FieldError[] = []
  let sizeBytes = 0
  for (const [key, value] of Object.entries(annotations ?? {})) {
    sizeBytes += Buffer.byteLength(key) + Buffer.byteLength(value)
    for (const detail of labelKeyProblems(key.toLowerCase())) {
      errors.push(invalidValue('metadata.annotations', key, detail))
    }
  }
  if (sizeBytes > maxAnnotationBytes) {
    errors.push({
      type: 'FieldValueTooLong',
      field: 'metadata.annotations',
      detail: `may not be more than ${maxAnnotationBytes} bytes`,
    })
  }
  return errors
}

function validateOwners(owners: unknown): readonly FieldError[] {
  if (!isArray(owners)) return []
  const errors: FieldError[] = []
  owners.forEach((owner, index) => {
    if (!isObject(owner)) return
    for (const field of ['apiVersion', 'kind', 'name', 'uid']) {
      const value = owner[field]
      if (typeof value === 'string' && value !== '') continue
      errors.push(
        invalidValue(
          `metadata.ownerReferences[${index}].${field}`,
          value ?? '',
          'must not be empty',
        ),
      )
    }
  })
  const controllers = owners.filter((owner) => isObject(owner) && owner['controller'] === true)
  if (controllers.length > 1) {
    errors.push(
      invalidValue(
        'metadata.ownerReferences',
        owners,
        'Only one reference can have Controller set to true',
      ),
    )
  }
  return errors
}

function nameProblems(name: string, definition: ResourceDefinition): readonly string[] {
  switch (definition.nameRule ?? 'dns1123-subdomain') {
    case 'dns1123-subdomain':
      return subdomainProblems(name)
    case 'dns1123-label':
      return labelProblems(name)
    case 'dns1035-label':
      return label1035Problems(name)
    case 'path-segment':
      return pathSegmentProblems(name)
  }
}

function invalidValue(field: string, value: unknown, detail: string): FieldError {
  return { type: 'FieldValueInvalid', field, value, detail }
}
