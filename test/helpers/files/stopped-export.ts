import { readFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { ExecutionContext } from 'ava';
import type { ExportOptions, KvsArchive, TimeRange } from 'kvs-archive';
import type { TestArchive } from '../service/archive.js';
import { until } from '../wait.js';

/** How many fragments were asked for so far. */
export function asked({ requests }: TestArchive): number {
	return requests.reduce((sum, { fragmentsAsked }) => sum + fragmentsAsked, 0);
}

/** Exports a range of some hundred small fragments and aborts it when some of them are written down. */
export async function stopHalfWay(
	t: ExecutionContext,
	archive: KvsArchive,
	range: TimeRange,
	file: string,
	options: ExportOptions = {},
): Promise<void> {
	const controller = new AbortController();
	const reason = new Error('enough');
	const { signal } = controller;
	const stopped = archive.export(range, file, { ...options, signal, maxBufferedBytes: 20_000 });
	const journal = join(dirname(file), `.${basename(file)}.journal.part`);
	let lines = 0;
	await until(
		async () => {
			lines = (await readFile(journal, 'utf8').catch(() => '')).split('\n').length;
			return lines >= 20;
		},
		() => `${lines} lines of ${journal}`,
	);
	controller.abort(reason);
	t.is(await t.throwsAsync(stopped), reason);
}
