import { type ChildProcess, fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rm, stat, symlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test, { type ExecutionContext } from 'ava';
import { holdLock } from '#lib/files/process-lock.js';
import { run, temporaryDirectory } from '../helpers/tools.js';

/** A process of another machine, or of another container of this one. */
const ELSEWHERE = '1 12345 0b6e2f3c-1111-2222-3333-444444444444/4026531836 camera-7\n';

/** Longer ago than a lock is believed that cannot be judged. */
const longAgo = new Date(Date.now() - 60_000);

/** Fields of proc(5) from the third on: what a process does, and much later when it started. */
async function statusOf(pid: number): Promise<string[]> {
	const status = await readFile(`/proc/${pid}/stat`, 'utf8');
	return status.slice(status.lastIndexOf(')') + 2).split(' ');
}

/** The lock of this process, as text. */
async function ownMark(t: ExecutionContext): Promise<string> {
	const path = join(await temporaryDirectory(t), 'lock');
	const lock = await holdLock(path);
	const text = await readFile(path, 'utf8');
	if (typeof lock !== 'string') lock.release();
	return text;
}

/** Takes a lock that is free, gives it back, and looks that nothing is left. */
async function assertFree(t: ExecutionContext, path: string, what?: string): Promise<void> {
	const lock = await holdLock(path);
	if (typeof lock === 'string') return t.fail(`${what ?? path}: ${lock}`);
	lock.release();
	t.deepEqual(await readdir(join(path, '..')), [], what);
}

test('a living process keeps its lock, and removes it once', async (t) => {
	const path = join(await temporaryDirectory(t), 'lock');
	const lock = await holdLock(path);
	t.is(await holdLock(path), `process ${process.pid}`);
	if (typeof lock === 'string') return t.fail(lock);
	t.is((await stat(path)).mode & 0o777, 0o600);
	lock.release();
	t.false(existsSync(path));
	const again = await holdLock(path);
	lock.release();
	t.true(existsSync(path));
	if (typeof again !== 'string') again.release();
});

test('a lock that another process has taken over is not removed', async (t) => {
	const path = join(await temporaryDirectory(t), 'lock');
	const lock = await holdLock(path);
	if (typeof lock === 'string') return t.fail(lock);
	await rm(path);
	const other = await holdLock(path);
	lock.release();
	t.true(existsSync(path));
	if (typeof other !== 'string') other.release();
	t.false(existsSync(path));
});

const CONTENDERS = 4;
const ROUNDS = 40;
const RELEASE = '';

for (const [what, before] of [
	['nothing was there', null],
	['a process was killed', '4194999 77'],
] as const) {
	test(`of processes that start in the same instant, one has the lock: ${what}`, async (t) => {
		const directory = await temporaryDirectory(t);
		const [, , place, host] = (await ownMark(t)).trim().split(' ');
		const script = fileURLToPath(new URL('../helpers/files/lock-contender.js', import.meta.url));
		const contenders = Array.from({ length: CONTENDERS }, () => fork(script));
		t.teardown(() => {
			for (const contender of contenders) contender.kill('SIGKILL');
		});
		const ask = async (contender: ChildProcess, path: string): Promise<unknown> => {
			const outcome = once(contender, 'message');
			contender.send(path);
			return (await outcome)[0];
		};
		for (let round = 0; round < ROUNDS; round++) {
			const path = join(directory, String(round));
			if (before !== null) await writeFile(path, `${before} ${place} ${host}\n`);
			const outcomes = await Promise.all(contenders.map((contender) => ask(contender, path)));
			t.is(
				outcomes.filter((outcome) => outcome === 'held').length,
				1,
				`round ${round}: ${outcomes.join(', ')}`,
			);
			t.true(
				outcomes.every((outcome) => outcome === 'held' || /^(another )?process/.test(String(outcome))),
				`round ${round}: ${outcomes.join(', ')}`,
			);
			await Promise.all(contenders.map((contender) => ask(contender, RELEASE)));
			t.deepEqual(await readdir(directory), [], `round ${round}`);
		}
	});
}

test('the locks of a dead process, and of a reused process id, are ignored', async (t) => {
	const [pid, started, place, host] = (await ownMark(t)).trim().split(' ');
	if (started === '-') {
		t.pass('this system does not say when a process started');
		return;
	}
	for (const lock of [`${pid} 1 ${place} ${host}\n`, `4194999 77 ${place} ${host}\n`]) {
		const path = join(await temporaryDirectory(t), 'lock');
		await writeFile(path, lock);
		await assertFree(t, path, lock);
	}
});

test('a lock whose owner cannot be checked is valid only while it is rewritten', async (t) => {
	for (const [lock, name] of [
		[ELSEWHERE, 'process 1 on camera-7'],
		['', 'another process'],
		['\0\0\0', 'another process'],
		[`${process.pid}`, 'another process'],
		['x'.repeat(1_000_000), 'another process'],
	] as const) {
		const directory = await temporaryDirectory(t);
		const path = join(directory, 'lock');
		await writeFile(path, lock);
		t.is(await holdLock(path), name);
		t.deepEqual(await readdir(directory), ['lock']);
		await utimes(path, longAgo, longAgo);
		await assertFree(t, path, lock.slice(0, 50));
	}
});

test('a process that was killed while it took over a lock does not keep others from it', async (t) => {
	const [, , place, host] = (await ownMark(t)).trim().split(' ');
	const path = join(await temporaryDirectory(t), 'lock');
	for (const name of [path, `${path}.takeover`]) await writeFile(name, `4194999 77 ${place} ${host}\n`);
	await assertFree(t, path);
});

test('a living process writes its lock again', async (t) => {
	const path = join(await temporaryDirectory(t), 'lock');
	const lock = await holdLock(path, { beatMs: 1 });
	if (typeof lock === 'string') return t.fail(lock);
	const text = await readFile(path, 'utf8');
	await utimes(path, longAgo, longAgo);
	let turns = 0;
	while ((await stat(path)).mtimeMs < longAgo.getTime() + 1000) {
		if (++turns > 10_000) return t.fail(`still of ${longAgo.toISOString()}`);
		await new Promise((resolve) => setTimeout(resolve, 1));
	}
	t.is(await readFile(path, 'utf8'), text);
	lock.release();
});

test('a path that is not a file is refused as a lock without waiting', async (t) => {
	const directory = await temporaryDirectory(t);
	const fifo = join(directory, 'fifo');
	t.is((await run('mkfifo', [fifo])).code, 0);
	await mkdir(join(directory, 'directory'));
	await writeFile(join(directory, 'victim'), '');
	await symlink('victim', join(directory, 'link'));
	for (const [name, kind] of [
		['fifo', 'a FIFO'],
		['directory', 'a directory'],
		['link', 'a symbolic link'],
	] as const) {
		const message = `\`${join(directory, name)}\` is ${kind}, not a file`;
		await t.throwsAsync(holdLock(join(directory, name)), { message });
	}
	await t.throwsAsync(holdLock(join(directory, 'absent', 'lock')), { code: 'ENOENT' });
});

const testWithProc = existsSync('/proc/self/stat') ? test : test.skip;

testWithProc('a process that was killed and that was never waited for holds nothing', async (t) => {
	// The shell becomes a process that knows nothing of its child, as the first process of many containers; the child ends after that.
	const child = "sh -c 'until grep -q sleep /proc/$PPID/comm; do :; done'";
	const parent = spawn('sh', ['-c', `${child} & echo $!; exec sleep 600`], {
		stdio: ['ignore', 'pipe', 'ignore'],
	});
	t.teardown(() => parent.kill());
	const [printed] = await once(parent.stdout, 'data');
	const pid = Number(String(printed));
	let status = await statusOf(pid);
	for (let turn = 0; status[0] !== 'Z'; turn++) {
		if (turn > 10_000) return t.fail(`process ${pid} is ${status[0]}, not a zombie`);
		await new Promise((resolve) => setTimeout(resolve, 1));
		status = await statusOf(pid);
	}
	const [, , place, host] = (await ownMark(t)).trim().split(' ');
	const path = join(await temporaryDirectory(t), 'lock');
	await writeFile(path, `${pid} ${status[19]} ${place} ${host}\n`);
	await assertFree(t, path);
});
