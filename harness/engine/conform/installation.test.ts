import t from 'tap'
import { deployedDouble, type Diary } from '../testing/doubles.ts'
import { installation } from './installation.ts'

const options = { signal: new AbortController().signal }

t.test(
  'a target that went away and came back is the same for everybody who holds it',
  async (t) => {
    const diary: Diary = []
    const counted = (files: number) => ({
      usage: () => Promise.resolve({ cpuUs: 0, rssBytes: 0, openFiles: files }),
    })
    const held = installation(deployedDouble(diary, { ...counted(1), tells: {} }), () => {
      diary.push('deploy')
      return Promise.resolve(deployedDouble(diary, counted(2)))
    })
    t.equal((await held.usage('n', options)).openFiles, 1)
    t.same([held.tells, 'log' in held], [{}, false])
    const uninstalled = await held.uninstall(options)
    t.throws(() => held.usage('n', options), { message: 'the target is not installed now' })
    await held[Symbol.asyncDispose]()
    t.same(diary, ['uninstall the target'], 'what is gone is not removed again')
    await uninstalled.reinstall(options)
    await uninstalled.reinstall(options)
    t.equal((await held.usage('n', options)).openFiles, 2)
    t.same(diary, ['uninstall the target', 'deploy'], 'deployed once')
    await held[Symbol.asyncDispose]()
    t.equal(diary.length, 3)
  },
)

t.test(
  'reinstalled is ready; a removal that failed can be followed by a new installation',
  async (t) => {
    const diary: Diary = []
    const first = deployedDouble(diary, {
      [Symbol.asyncDispose]: () => Promise.reject(new Error('it clings')),
    })
    const held = installation(first, () => {
      diary.push('deploy')
      return Promise.resolve(
        deployedDouble(diary, {
          ready: () => {
            diary.push('ready')
            return Promise.resolve()
          },
        }),
      )
    })
    await t.rejects(held.uninstall(options), { message: 'it clings' })
    await t.rejects(held.uninstall(options), { message: /not installed/ })
    t.same(diary, [])
    await Promise.all([held.restore(options), held.restore(options)])
    t.same(diary, ['deploy', 'ready', 'ready'], 'put back once, though its removal failed')
  },
)
