// Loads packages from the folder that DAYPASS_NODE_MODULES names, since nothing is installed inside the tree.
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

const require = createRequire(`${process.env.DAYPASS_NODE_MODULES}/`);

export const load = (name) => import(pathToFileURL(require.resolve(name)));
