/*
 * node test/soak/order.mjs [--rounds 10] [--seed N] [--busy] [FILES…]: runs the tests that often, their files in another order each time;
 * with --busy while two other processes use the processor without rest. A round is repeated by its seed: `--rounds 1 --seed N`.
 * Tests of one file run side by side, and each file in a thread of its own: what the order changes is which of them meet.
 */
import { spawn, spawnSync } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';

const ava = resolve('node_modules/ava/entrypoints/cli.mjs');
const { values, positionals: files } = parseArgs({
	allowPositionals: true,
	options: {
		rounds: { type: 'string', default: '10' },
		seed: { type: 'string', default: String(randomInt(1e9)) },
		busy: { type: 'boolean', default: false },
	},
});
const [rounds, first] = [Number(values.rounds), Number(values.seed)];
const others = (values.busy ? [1, 2] : []).map(() =>
	spawn(process.execPath, ['-e', 'for (;;);'], { stdio: 'ignore' }),
);
let failed = 0;
try {
	for (let round = 0; round < rounds; round++) {
		const seed = first + round;
		const startMs = performance.now();
		const { status, signal, stdout, stderr } = spawnSync(
			process.execPath,
			[ava, '--config', 'test/soak/order.config.mjs', ...files],
			{ encoding: 'utf8', env: { ...process.env, KVS_ORDER_SEED: String(seed) }, maxBuffer: 2 ** 28 },
		);
		const seconds = ((performance.now() - startMs) / 1000).toFixed(0);
		const verdict = status === 0 ? 'green' : 'FAILED';
		process.stdout.write(`round ${round + 1} of ${rounds}, seed ${seed}: ${verdict} in ${seconds} s\n`);
		if (status === 0) continue;
		failed++;
		const log = join(tmpdir(), `kvs-archive-round-${seed}.log`);
		writeFileSync(log, `${stdout}${stderr}ended with ${status ?? signal}\n`);
		process.stdout.write(`what it printed: ${log}\n`);
	}
} finally {
	for (const other of others) other.kill('SIGKILL');
}
process.exitCode = failed === 0 ? 0 : 1;
