// Answers cases with @cloud-copilot/iam-simulate: one JSON object a line in, one answer a line out. Its packages are in
// the folder given as argument. The engine is called behind the library's checks of its input, which take only the
// condition keys that AWS's services document, and with a session policy, which its own way past them leaves out.
import { createInterface } from 'node:readline'
import { pathToFileURL } from 'node:url'

const packages = `${process.argv[2]}/node_modules/@cloud-copilot`
const load = async (path) => import(pathToFileURL(`${packages}/${path}`).href)
const { loadPolicy } = await load('iam-policy/dist/esm/index.js')
const { authorize } = await load('iam-simulate/dist/esm/core_engine/CoreSimulatorEngine.js')
const { AwsRequestImpl } = await load('iam-simulate/dist/esm/request/request.js')
const { RequestContextImpl } = await load('iam-simulate/dist/esm/requestContext.js')
const { DiscoveryContextKeyConstraints } = await load('iam-simulate/dist/esm/context_keys/discoveryContextKeyConstraints.js')

const names = { Allowed: 'allow', ExplicitlyDenied: 'explicit_deny', ImplicitlyDenied: 'implicit_deny' }
const read = (document) => (document ? loadPolicy(document, { name: 'case' }) : undefined)
const each = (documents) => (documents ?? []).map(read)
const levels = (given) => (given ?? []).map((documents, at) => ({ orgIdentifier: `level-${at}`, policies: each(documents) }))

function answer({ policies, request }) {
  const resource = { resource: request.resource, accountId: request.resource_account }
  const principal = request.principal === 'anonymous' ? { type: 'Anonymous' } : request.principal
  const { result } = authorize({
    request: new AwsRequestImpl(principal, resource, request.action, new RequestContextImpl(request.context)),
    sessionPolicy: read(policies.session?.[0]),
    identityPolicies: each(policies.identity),
    serviceControlPolicies: levels(policies.scp),
    resourceControlPolicies: levels(policies.rcp),
    resourcePolicy: read(policies.resource ?? policies.trust),
    permissionBoundaries: policies.boundary ? each(policies.boundary) : undefined,
    vpcEndpointPolicies: undefined,
    simulationParameters: {
      simulationMode: 'Strict',
      discoveryContextKeyConstraints: new DiscoveryContextKeyConstraints([])
    },
    serviceSettings: { s3: { blockPublicAccess: false } }
  })
  return names[result]
}

for await (const line of createInterface({ input: process.stdin })) {
  let said
  try {
    said = answer(JSON.parse(line))
  } catch (error) {
    said = `error: ${error.stack.slice(0,300).replaceAll('\n',' ')}`
  }
  process.stdout.write(`${said}\n`)
}
