import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { markInUse } from '#lib/files/process-mark.js';
import { temporaryDirectory } from '../helpers/tools.js';

/** Fields of proc(5) from the third on: what a process does, and much later when it started. */
async function statusOf(pid: number): Promise<string[]> {
	const status = await readFile(`/proc/${pid}/stat`, 'utf8');
	return status.slice(status.lastIndexOf(')') + 2).split(' ');
}

test('a living process keeps its mark, and gives it back once', async (t) => {
	const path = join(await temporaryDirectory(t), 'mark');
	const mark = await markInUse(path);
	t.is(await markInUse(path), process.pid);
	if (typeof mark === 'number') return t.fail();
	mark.release();
	t.false(existsSync(path));
	const again = await markInUse(path);
	mark.release();
	t.true(existsSync(path));
	if (typeof again !== 'number') again.release();
});

test('a process that was killed and that nobody has waited for holds nothing', async (t) => {
	if (!existsSync('/proc/self/stat')) {
		t.log('skipped: there is no /proc here');
		t.pass();
		return;
	}
	// The shell becomes a process that knows nothing of its child, as the first process of many containers.
	const parent = spawn('sh', ['-c', 'sleep 0 & echo $!; exec sleep 600'], {
		stdio: ['ignore', 'pipe', 'ignore'],
	});
	t.teardown(() => parent.kill());
	const [printed] = await once(parent.stdout, 'data');
	const pid = Number(String(printed));
	let status = await statusOf(pid);
	while (status[0] !== 'Z') {
		await new Promise((resolve) => setImmediate(resolve));
		status = await statusOf(pid);
	}
	const path = join(await temporaryDirectory(t), 'mark');
	await writeFile(path, `${pid} ${status[19]}\n`);
	const mark = await markInUse(path);
	t.not(mark, pid);
	if (typeof mark !== 'number') mark.release();
});
