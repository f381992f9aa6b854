import { readdir } from 'node:fs/promises';
import test from 'ava';
import { s3 } from 'kvs-archive/s3';
import { collect } from '../helpers/collect.js';
import { s3Client, startS3 } from '../helpers/store/s3.js';
import { refusal, startS3Stub } from '../helpers/store/s3-stub.js';
import { temporaryDirectory } from '../helpers/tools.js';

const MIB = 1024 * 1024;

test('a folder in S3 has what was finished in it, and nothing of what was discarded', async (t) => {
	const bucket = await startS3(t);
	const place = bucket.place('s3://media/a');
	const lock = await place.lock();
	await t.throwsAsync(bucket.place('s3://media/a/').lock(), {
		code: 'KVS_SINK_FAILED',
		message: /process \d+ is writing it/,
	});
	const small = await place.create('small.json');
	await small.append([Buffer.from('{'), Buffer.from('}')]);
	t.is(await place.sizeOf('small.json'), null);
	await small.commit();
	const large = await place.create('large.tar');
	for (let part = 0; part < 3; part++) await large.append([Buffer.alloc(3 * MIB, part), Buffer.from('end')]);
	await large.commit();
	const none = await place.create('none.tar');
	await none.append([Buffer.alloc(9 * MIB)]);
	await none.discard();
	t.deepEqual(await collect(place.list()), ['large.tar', 'small.json']);
	t.is(await place.sizeOf('large.tar'), 9 * MIB + 9);
	const read = Buffer.concat(await collect((await place.read('large.tar')) as AsyncIterable<Uint8Array>));
	t.is(read.byteLength, 9 * MIB + 9);
	t.deepEqual([read[0], read[3 * MIB + 3], read[9 * MIB]], [0, 1, 2]);
	t.is(await place.read('none.tar'), null);
	await place.remove('small.json');
	await place.remove('small.json');
	t.deepEqual(await bucket.keys(), ['a/large.tar']);
	await lock.release();
	t.deepEqual(await readdir(bucket.staging), []);
});

test('locking a folder removes the uploads that a killed process left in it', async (t) => {
	const stub = await startS3Stub(t);
	const client = s3Client(t, stub.endpoint);
	const left = s3('s3://media/a/', { client, stagingDirectory: await temporaryDirectory(t) });
	await left.lock();
	for (const name of ['b.tar', 'c.tar']) await (await left.create(name)).append([Buffer.alloc(9 * MIB)]);
	t.deepEqual([stub.uploads.size, [...stub.objects.keys()]], [2, ['a/.upload.json']]);
	// Of another machine.
	const place = s3('s3://media/a/', { client, stagingDirectory: await temporaryDirectory(t) });
	const lock = await place.lock();
	t.deepEqual([stub.uploads.size, stub.objects.size], [0, 0]);
	await lock.release();
});

test('an upload whose id was not recorded yet is found by listing, unless listing is denied', async (t) => {
	const stub = await startS3Stub(t);
	const client = s3Client(t, stub.endpoint);
	const place = s3('s3://media/a/', { client, stagingDirectory: await temporaryDirectory(t) });
	for (const isDenied of [true, false]) {
		const uploads = [{ key: 'a/b.tar', uploadId: null }];
		const bytes = Buffer.from(JSON.stringify({ format: 'kvs-archive uploads 1', uploads }));
		stub.objects.set('a/.upload.json', { bytes, type: '' });
		for (const key of ['a/b.tar', 'a/b.tar.json']) stub.uploads.set(key, { key, parts: new Map() });
		stub.before = ({ operation }) =>
			isDenied && operation === 'ListMultipartUploads' ? refusal(403, 'AccessDenied') : null;
		await (await place.lock()).release();
		t.deepEqual([...stub.uploads.keys()], isDenied ? ['a/b.tar', 'a/b.tar.json'] : ['a/b.tar.json']);
		t.is(stub.objects.size, 0);
	}
});
