/*
 * node test/soak/order.mjs [ROUNDS] [SEED] [FILES…]: runs the tests ROUNDS times (10), their files in another order each time. A
 * round is repeated by its seed: `order.mjs 1 SEED`. Tests of one file run side by side, and each file in a thread of its own: what the
 * order changes is which of them meet.
 */
import { spawnSync } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { resolve } from 'node:path';

const ava = resolve('node_modules/ava/entrypoints/cli.mjs');
const [, , rounds = '10', first = String(randomInt(1e9)), ...files] = process.argv;
let failed = 0;
for (let round = 0; round < Number(rounds); round++) {
	const seed = Number(first) + round;
	const startMs = performance.now();
	const { status, stdout } = spawnSync(
		process.execPath,
		[ava, '--config', 'test/soak/order.config.mjs', ...files],
		{ encoding: 'utf8', env: { ...process.env, KVS_ORDER_SEED: String(seed) }, maxBuffer: 2 ** 28 },
	);
	const seconds = ((performance.now() - startMs) / 1000).toFixed(0);
	const verdict = status === 0 ? 'green' : 'FAILED';
	process.stdout.write(`round ${round + 1} of ${rounds}, seed ${seed}: ${verdict} in ${seconds} s\n`);
	if (status === 0) continue;
	failed++;
	process.stdout.write(stdout.slice(-20_000));
}
process.exitCode = failed === 0 ? 0 : 1;
