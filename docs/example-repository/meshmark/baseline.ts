import { agent } from './agent.ts'

export default agent(process.env['BASELINE_IMAGE'] ?? 'agent:baseline')
