import { resolve } from 'node:path';
import { type Outcome, run } from '../tools.js';

/** The program, for tests that start a process. */
export const main = resolve('dist/cli/main.js');

/** Removes credentials and region of whoever runs the tests. */
export const env = {
	AWS_ACCESS_KEY_ID: undefined,
	AWS_PROFILE: undefined,
	AWS_REGION: undefined,
	AWS_ENDPOINT_URL: undefined,
};

/** Runs a command line in a process of its own. */
export const kvsProcess = (args: readonly string[], options: { input?: Uint8Array } = {}): Promise<Outcome> =>
	run(process.execPath, [main, ...args], { env, ...options });
