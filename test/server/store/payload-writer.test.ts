import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { PayloadWriter } from '#lib/server/store/payload-writer.js';
import { temporaryDirectory } from '../../helpers/tools.js';

test('a payload that cannot be opened says why, and not that it is there already', async (t) => {
	const payload = join(await temporaryDirectory(t), '00000001.mkv');
	await mkdir(payload);
	await t.throwsAsync(PayloadWriter.open({ payload, index: `${payload}.jsonl`, sizeBytes: 0 }), {
		code: 'EISDIR',
	});
});
