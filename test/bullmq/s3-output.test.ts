import { DeleteObjectCommand } from '@aws-sdk/client-s3';
import test, { type ExecutionContext } from 'ava';
import { readManifest, verifyDataset, verifyRecordings } from 'kvs-archive';
import { ArchiveQueue, ArchiveWorker, type SliceWork, type SubmissionSummary } from 'kvs-archive/bullmq';
import { fragmentNumber, recording } from '../helpers/media/payload.js';
import { startMs } from '../helpers/media/range.js';
import { testWith } from '../helpers/needs.js';
import { commandLine } from '../helpers/program/command-line.js';
import { startWork, type WorkProcess } from '../helpers/program/work-process.js';
import { startArchive } from '../helpers/service/archive.js';
import { startRedis } from '../helpers/store/redis.js';
import { startS3, type TestS3 } from '../helpers/store/s3.js';
import { until, within } from '../helpers/wait.js';

const EXPORT: SliceWork = { kind: 'export', container: 'mkv' };

interface Setup {
	readonly bucket: TestS3;
	readonly url: string;
	readonly endpoint: string;
	readonly work: WorkProcess;
	/** Has slices of eight seconds done, and waits for them. */
	readonly done: (work: SliceWork, output: string) => Promise<SubmissionSummary>;
}

/** A stream, a Redis, a bucket, and a worker process that was started with `s3://media/day` alone. */
async function setUp(t: ExecutionContext, media: Uint8Array | string): Promise<Setup> {
	const { endpoint } = await startArchive(t, { door: media });
	const { url } = await startRedis(t);
	const bucket = await startS3(t);
	const started = ['--redis', url, '--out', 's3://media/day', '--decoders', '1'];
	const work = await startWork(t, started, bucket.environment);
	const queue = new ArchiveQueue({ url });
	t.teardown(() => queue.close());
	return {
		bucket,
		url,
		endpoint,
		work,
		done: async (what, output) => {
			const submission = await queue.submit({
				stream: { streamName: 'door', endpoint },
				range: { from: startMs, to: startMs + 3_600_000, by: 'producer' },
				sliceMs: 8000,
				work: what,
				output,
			});
			return within(submission.wait(), () => `${work.stdout()}${work.stderr()}`);
		},
	};
}

testWith('redis-server')(
	'workers write exports and recordings to S3, only below the places they were started with',
	async (t) => {
		const { bucket, url, endpoint, done, work } = await setUp(t, recording(12));
		const first = await done(EXPORT, 's3://media/day/exports');
		t.like(first, { isComplete: true, slices: 3, slicesKnown: 0, fragments: 12, delivered: 12 });
		t.deepEqual(
			first.files,
			['00', '08', '16'].map((second) => `s3://media/day/exports/door-2026-01-31T00-00-${second}.000Z.mkv`),
		);
		const exported: string[] = [];
		for (const file of first.files) {
			const manifest = await readManifest(bucket.place(file));
			exported.push(...(manifest?.fragments ?? []).map((fragment) => fragment.fragmentNumber ?? ''));
		}
		t.deepEqual(
			exported,
			Array.from({ length: 12 }, (_, index) => fragmentNumber(index + 1)),
		);
		const keys = await bucket.keys();
		t.deepEqual(
			keys,
			first.files.flatMap((file) => [file, `${file}.json`]).map((file) => file.slice('s3://media/'.length)),
		);
		await bucket.client.send(new DeleteObjectCommand({ Bucket: 'media', Key: keys[2] as string }));
		t.like(await done(EXPORT, 's3://media/day/exports/'), {
			isComplete: true,
			slicesKnown: 2,
			delivered: 12,
		});
		t.deepEqual(await bucket.keys(), keys);

		for (const [output, says] of [
			[
				's3://media/days/x',
				/refuses the job: `s3:\/\/media\/days\/x\/` is not below .*, `s3:\/\/media\/day\/`/,
			],
			['exports', /refuses the job: `exports` is a path in a folder, .* `s3:\/\/media\/day\/` alone/],
		] as const) {
			const { outcomes } = await done(EXPORT, output);
			t.regex(outcomes[0]?.error ?? '', says);
		}
		const handler: SliceWork = { kind: 'handler', module: 'x.mjs' };
		await t.throwsAsync(done(handler, 's3://media/day/x'), { message: /puts nothing of modules into S3/ });
		await t.throwsAsync(done(EXPORT, 's3://media/day/../x'), { code: 'KVS_INVALID_OPTION' });

		const follow = ['submit', 'follow', '--redis', url, '--endpoint', endpoint, '--streams', 'door'];
		const into = ['-o', 's3://media/day/cams', '--from', 'earliest', '--every', '1s', '--container', 'mkv'];
		t.is((await commandLine([...follow, ...into])).code, 0);
		await until(
			() => work.stdout().includes('door follow: 12 fragments, 0 failed'),
			() => `${work.stdout()}${work.stderr()}`,
		);
		t.like(await verifyRecordings(bucket.place('s3://media/day/cams/door/')), { fragments: 12, damage: [] });
	},
);

testWith('redis-server', 'ffmpeg')(
	'workers write each picture to S3 once, and do not repeat finished work',
	async (t) => {
		const { bucket, url, endpoint, work } = await setUp(t, 'examples/media/clock.mkv');
		const submit = () =>
			commandLine(
				[
					`submit frames --redis ${url} --endpoint ${endpoint} --stream door --by producer --from 2026-01-31 --to 2026-01-31T01:00`,
					'--slice 4s --every 5 --size 32x -o s3://media/day/pictures --wait --json',
				].flatMap((part) => part.split(' ')),
			);
		const { code, stdout, stderr } = await submit();
		t.is(code, 0, `${stdout}${stderr}${work.stdout()}`);
		const { files, pictures, slices } = JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? '');
		t.true(slices > 1 && pictures > slices);
		const times: string[] = [];
		for (const folder of files as string[]) {
			t.like(await verifyDataset(bucket.place(folder)), { damage: [] });
			const { bytes } = await bucket.object(`${folder.slice('s3://media/'.length)}/frames.jsonl`);
			const lines = bytes.toString().split('\n').filter(Boolean);
			times.push(...lines.map((line): string => JSON.parse(line).timestamp));
		}
		t.is(times.length, pictures);
		t.deepEqual(times, [...new Set(times)].toSorted());
		const keys = await bucket.keys();
		t.like(JSON.parse((await submit()).stdout.trimEnd().split('\n').at(-1) ?? ''), { slicesKnown: slices });
		t.deepEqual(await bucket.keys(), keys);
	},
);

test('the output of a worker is one folder, places in S3, or both', (t) => {
	const url = 'redis://127.0.0.1';
	for (const out of ['out', 's3://media/a', ['out', 's3://media/a', 's3://media/b/']])
		t.notThrows(() => new ArchiveWorker({ url, out }));
	for (const out of [[], ['a', 'b'], 's3://X/a', ['a', 's3://media/../a']])
		t.throws(() => new ArchiveWorker({ url, out }), { code: 'KVS_INVALID_OPTION' });
});
