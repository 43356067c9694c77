/** The schema that results are written in. Semver: a reader refuses a newer major or minor. */
export const schemaVersion = '1.3.0'

/** Marks of our files. */
export const apiVersion = 'meshmark.dev/v1alpha1'
export const kind = 'RunResult'
