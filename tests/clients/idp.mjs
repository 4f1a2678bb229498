// A real OpenID provider on https: oidc-provider with accounts that a test names, and interactions that sign in whoever
// `login_hint` says. Reads its settings from the file named first; prints `listening <issuer>`; on the line `rotate` it
// signs with a new key, and `forget` drops the old ones from its key set; ends with its standard input.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { createInterface } from 'node:readline';
import { load } from './modules.mjs';

const { Provider } = await load('oidc-provider');
const settings = JSON.parse(readFileSync(process.argv[2]));

const jwk = { format: 'jwk' };
const newKey = () => ({
  ...generateKeyPairSync('rsa', { modulusLength: 2048, publicKeyEncoding: jwk, privateKeyEncoding: jwk }).privateKey,
  kid: randomUUID(),
  alg: 'RS256',
  use: 'sig',
});

const claimNames = [...new Set(Object.values(settings.accounts).flatMap((claims) => Object.keys(claims)))];

function provider(issuer, keys) {
  const made = new Provider(issuer, {
    jwks: { keys },
    clients: settings.client_ids.map((client_id) => ({
      client_id,
      client_secret: 'a secret of the test client',
      redirect_uris: ['https://localhost/callback'],
    })),
    claims: { openid: ['sub', ...claimNames.filter((name) => name !== 'sub')] },
    conformIdTokenClaims: false,
    findAccount: (_ctx, id) => settings.accounts[id] && { accountId: id, claims: () => ({ sub: id, ...settings.accounts[id] }) },
    interactions: { url: (_ctx, interaction) => `/interaction/${interaction.uid}` },
    features: { devInteractions: { enabled: false } },
    pkce: { required: () => false },
    cookies: { keys: ['a key of the test provider'] },
    ttl: { IdToken: settings.lifetime_seconds, AccessToken: 60, Grant: 600, Interaction: 60, Session: 600 },
    renderError: (ctx, out) => { ctx.body = out; },
  });
  return made;
}

async function signIn(oidc, request, response) {
  const { params } = await oidc.interactionDetails(request, response);
  const grant = new oidc.Grant({ accountId: params.login_hint, clientId: params.client_id });
  grant.addOIDCScope('openid');
  const grantId = await grant.save();
  await oidc.interactionFinished(request, response, { login: { accountId: params.login_hint }, consent: { grantId } });
}

let keys = [newKey()];
let current;
let fetched = 0;
const server = createServer({ cert: readFileSync(settings.cert_file), key: readFileSync(settings.key_file) });
server.on('request', (request, response) => {
  if (request.url === '/jwks') fetched += 1;
  if (request.url.startsWith('/interaction/')) {
    signIn(current, request, response).catch((error) => response.writeHead(500).end(String(error)));
  } else {
    current.callback()(request, response);
  }
});
server.listen(settings.port ?? 0, '127.0.0.1', () => {
  const issuer = `https://localhost:${server.address().port}`;
  current = provider(issuer, keys);
  console.log(`listening ${issuer}`);
  const commands = createInterface({ input: process.stdin });
  commands.on('line', (line) => {
    if (line === 'rotate') keys = [newKey(), ...keys];
    if (line === 'forget') keys = keys.slice(0, 1);
    if (line !== 'count') current = provider(issuer, keys);
    console.log(`${line} ${line === 'count' ? fetched : keys[0].kid}`);
  });
  commands.on('close', () => process.exit(0));
});
