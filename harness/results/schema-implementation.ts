import { z } from 'zod'
import type { Implementation } from '../model/run-result.ts'
import type { Same } from './same.ts'

const text = z.string()

const schema = z.strictObject({
  target: text.min(1).describe('Name of the adapter: `--target`.'),
  organization: text,
  project: text.min(1),
  url: text,
  version: text.min(1),
  mode: z.exactOptional(text).describe('How it was run, where that changes its numbers.'),
  contact: z.array(text),
})

/** Who was tested. */
export const implementation: z.ZodType<Implementation> = schema

true satisfies Same<z.infer<typeof schema>, Implementation>
