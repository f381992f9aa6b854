import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { FileCheckpoints, verifyRecordings } from 'kvs-archive';
import { s3 } from 'kvs-archive/s3';
import { allTimesIn, recordingsIn, startRecorded } from '../helpers/files/record-run.js';
import { main } from '../helpers/program/main-process.js';
import { s3Client, startS3 } from '../helpers/store/s3.js';
import { refusal, startS3Stub } from '../helpers/store/s3-stub.js';
import { temporaryDirectory } from '../helpers/tools.js';
import { until, within } from '../helpers/wait.js';

const framesOf = (...seconds: number[]): number[] =>
	seconds.flatMap((second) => [second * 1000, second * 1000 + 40]);

test('a recorder puts finished files and their list into S3, and the next run resumes', async (t) => {
	const { put, recordAll } = await startRecorded(t);
	const bucket = await startS3(t);
	const place = bucket.place('s3://media/door');
	await put(1, 2, 3);
	const names: string[] = [];
	await recordAll({ split: { everyMs: 1900 }, onRecording: ({ file }) => void names.push(file) }, place);
	t.deepEqual(names, ['cam-1970-01-01T00-00-01.000Z.mkv', 'cam-1970-01-01T00-00-03.000Z.mkv']);
	await put(4);
	await recordAll({}, bucket.place('s3://media/door/'));
	const keys = await bucket.keys();
	t.deepEqual(keys.slice(0, 2), [
		'door/cam-1970-01-01T00-00-01.000Z.mkv',
		'door/cam-1970-01-01T00-00-03.000Z.mkv',
	]);
	t.is(keys.at(-1), 'door/recordings.jsonl');
	t.is((await bucket.object(keys[0] as string)).type, 'video/x-matroska');
	const times = await allTimesIn(await bucket.download('door/'));
	t.deepEqual(times.flat(), framesOf(1, 2, 3, 999_999, 4));
	t.like(await verifyRecordings(place), { recordings: keys.length - 1, damage: [] });
	const [directory = ''] = await readdir(bucket.staging);
	t.deepEqual((await readdir(join(bucket.staging, directory))).sort(), [
		'.recorder.journal',
		'recordings.jsonl',
	]);
});

test('another machine records again what a lost disk held, and the first does not repeat it when it comes back', async (t) => {
	const { put, recordAll, endpoint } = await startRecorded(t);
	const bucket = await startS3(t);
	const file = join(await temporaryDirectory(t), 'checkpoint.json');
	await put(1, 2, 3, 4);
	const options = ['--stream', 'cam', '--endpoint', endpoint, '--from', 'earliest', '--checkpoint', file];
	const recorded = ['-o', 's3://media/door/', '--container', 'mkv', '--split', '1900ms'];
	const env = { ...process.env, ...bucket.environment };
	const child = spawn(process.execPath, [main, 'follow', ...options, ...recorded], { env, stdio: 'ignore' });
	t.teardown(() => child.kill('SIGKILL'));
	// Two fragments are in an object, two in a file that is not finished.
	const journal = async (): Promise<string> => {
		const [directory = ''] = (await readdir(bucket.staging)).filter((name) => !name.includes('.'));
		return readFile(join(bucket.staging, directory, '.recorder.journal'), 'utf8').catch(() => '');
	};
	let lines = 0;
	await until(
		async () => {
			const hasObject = (await bucket.keys()).includes('door/recordings.jsonl');
			lines = (await journal()).split('\n').length;
			return hasObject && lines === 4;
		},
		() => `${lines} lines of the journal`,
	);
	child.kill('SIGKILL');
	await within(once(child, 'close'), () => 'not killed');
	t.is((await recordingsIn(await bucket.download('door/'))).length, 1);

	const checkpoint = (): FileCheckpoints => new FileCheckpoints(file);
	const elsewhere = bucket.place('s3://media/door/', await temporaryDirectory(t));
	await recordAll({ checkpoint: checkpoint() }, elsewhere);
	t.deepEqual((await allTimesIn(await bucket.download('door/'))).flat(), framesOf(1, 2, 3, 4));
	await put(5);
	await recordAll({ checkpoint: checkpoint() }, bucket.place('s3://media/door/'));
	const times = (await allTimesIn(await bucket.download('door/'))).flat();
	t.deepEqual(times, framesOf(1, 2, 3, 4, 999_999, 5));
	t.deepEqual((await verifyRecordings(elsewhere)).damage, []);
});

test('a bucket that is unreachable is waited for; an abort meanwhile leaves the file to the next run', async (t) => {
	const { put, record, recordAll } = await startRecorded(t);
	const stub = await startS3Stub(t);
	const stagingDirectory = await temporaryDirectory(t);
	const place = s3('s3://media/door/', { client: s3Client(t, stub.endpoint), stagingDirectory });
	await put(1, 2);
	let refused = 0;
	const isAway = ({ operation }: { operation: string }): boolean => operation === 'PutObject';
	stub.before = (request) => (isAway(request) && ++refused <= 3 ? refusal(503, 'SlowDown') : null);
	await recordAll({}, place);
	t.is(refused, 5);
	await put(3);
	const controller = new AbortController();
	stub.before = (request) => {
		if (!isAway(request)) return null;
		controller.abort(new Error('enough'));
		return refusal(500, 'InternalError');
	};
	const split = { everyMs: 100 };
	await t.throwsAsync(record({ signal: controller.signal, split }, place), { code: 'KVS_STORAGE_FAILED' });
	stub.before = () => null;
	await recordAll({}, place);
	const { damage, frames } = await verifyRecordings(place);
	t.deepEqual(damage, []);
	t.is(frames, 2 * 4);
});

test('only the new bytes of a list that has grown are uploaded', async (t) => {
	const stub = await startS3Stub(t);
	const directory = await temporaryDirectory(t);
	const place = s3('s3://media/door/', { client: s3Client(t, stub.endpoint), stagingDirectory: directory });
	const folder = await place.open('folder');
	const path = join(directory, 'list');
	let text = 'a'.repeat(5 * 1024 * 1024 - 1);
	for (const more of ['b', 'c', 'd'.repeat(9 * 1024 * 1024), '']) {
		text += more;
		await writeFile(path, text);
		stub.mostBytesUnderWay = 0;
		await folder.putGrown('list', path, undefined);
		t.true(stub.objects.get('door/list')?.bytes.equals(Buffer.from(text)), `${text.length}`);
		t.true(stub.mostBytesUnderWay <= Math.max(more.length, 1), `${stub.mostBytesUnderWay}`);
	}
	t.deepEqual([stub.uploads.size, [...stub.objects.keys()]], [0, ['door/list']]);
	await writeFile(path, 'shorter');
	await t.throwsAsync(folder.putGrown('list', path, undefined), {
		message: /it has 7 bytes, and the object has \d+$/,
	});
});
