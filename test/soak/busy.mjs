/* node test/soak/busy.mjs [ROUNDS]: runs ava that often (10), while two other processes use the processor without rest. */
import { spawn, spawnSync } from 'node:child_process';
import { resolve } from 'node:path';

const ava = resolve('node_modules/ava/entrypoints/cli.mjs');
const rounds = Number(process.argv[2] ?? 10);
const others = [1, 2].map(() => spawn(process.execPath, ['-e', 'for (;;);'], { stdio: 'ignore' }));
let failed = 0;
try {
	for (let round = 1; round <= rounds; round++) {
		const startMs = performance.now();
		const { status, stdout } = spawnSync(process.execPath, [ava], { encoding: 'utf8', maxBuffer: 2 ** 28 });
		const seconds = ((performance.now() - startMs) / 1000).toFixed(0);
		process.stdout.write(
			`round ${round} of ${rounds}: ${status === 0 ? 'green' : 'FAILED'} in ${seconds} s\n`,
		);
		if (status === 0) continue;
		failed++;
		process.stdout.write(stdout.slice(-20_000));
	}
} finally {
	for (const other of others) other.kill('SIGKILL');
}
process.exitCode = failed === 0 ? 0 : 1;
