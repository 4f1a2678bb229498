// One question by the JavaScript SDK, as a workload would ask it: prints a JSON object with the answer or the error.
import { load } from './modules.mjs';

const { STSClient, GetCallerIdentityCommand, AssumeRoleWithWebIdentityCommand } = await load('@aws-sdk/client-sts');
const { S3Client, GetObjectCommand, PutObjectCommand } = await load('@aws-sdk/client-s3');
const { fromTokenFile } = await load('@aws-sdk/credential-providers');

const region = process.env.AWS_REGION;
const endpoint = process.env.DAYPASS_URL;
const sts = (more) => new STSClient({ region, endpoint, maxAttempts: 1, ...more });
const s3 = () => new S3Client({ region, endpoint: process.env.S3_URL, forcePathStyle: true, maxAttempts: 1 });

const questions = {
  web_identity: (input) => sts().send(new AssumeRoleWithWebIdentityCommand(input)),
  from_token_file: () =>
    sts({ credentials: fromTokenFile({ clientConfig: { region, endpoint } }) }).send(new GetCallerIdentityCommand({})),
  caller: () => sts().send(new GetCallerIdentityCommand({})),
  put_object: (input) => s3().send(new PutObjectCommand(input)),
  get_object: async (input) => {
    const answer = await s3().send(new GetObjectCommand(input));
    return { Body: await answer.Body.transformToString() };
  },
};

const [question, input] = process.argv.slice(2);
try {
  console.log(JSON.stringify(await questions[question](JSON.parse(input))));
} catch (error) {
  const { Code, code, name, message, $metadata } = error;
  console.log(JSON.stringify({ Error: { Code: Code ?? code ?? name, Message: message }, status: $metadata?.httpStatusCode }));
}
