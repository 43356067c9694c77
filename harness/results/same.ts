type Plain<T> = T extends object ? { -readonly [K in keyof T]: Plain<T[K]> } : T

/* why: only two generic functions make the compiler ask for identity instead of assignability */
/* eslint-disable @typescript-eslint/no-unnecessary-type-parameters */

/**
 * True when two types have the same fields, `readonly` aside. `true satisfies Same<A, B>` does not compile when one
 * has a field that the other lacks, optional ones included, which plain assignability would let pass.
 */
export type Same<A, B> =
  (<T>() => T extends Plain<A> ? 1 : 2) extends <T>() => T extends Plain<B> ? 1 : 2 ? true : false
