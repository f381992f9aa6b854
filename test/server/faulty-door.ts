import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import type { ArchiveServerOptions, RequestRecord, ResponseRecord } from '#lib/server/index.js';
import { everything, startServer } from '../helpers/service/start-server.js';
import { temporaryDirectory } from '../helpers/tools.js';
import { FakeClock } from './fake-clock.js';
import { writeRecordingOf } from './made-media.js';
import { type OpenRequest, plainClient } from './plain-client.js';

/** A server whose stream `door` has small fragments, and ways to ask it. */
export interface FaultyDoor {
	readonly clock: FakeClock;
	readonly url: string;
	readonly requests: RequestRecord[];
	readonly responses: ResponseRecord[];
	readonly numbers: readonly string[];
	/** The chunk of each fragment, in the order of the numbers. */
	readonly chunks: readonly Buffer[];
	/** Asks for the fragments at these indexes. */
	readonly media: (...indexes: number[]) => OpenRequest;
	/** Numbers a ListFragments gives, sorted, and its token. */
	readonly list: (members?: object) => Promise<{ numbers: string[]; token: string | null }>;
	readonly send: (operation: string, body: object) => OpenRequest;
	/** Closes the server and its connections. */
	readonly close: () => Promise<void>;
	/** Resolves when so many responses are over. */
	readonly ended: (count: number) => Promise<void>;
}

/** Starts it with the given faults. */
export async function startFaultyDoor(
	t: ExecutionContext,
	options: ArchiveServerOptions,
	fragments = 5,
): Promise<FaultyDoor> {
	const clock = new FakeClock();
	const requests: RequestRecord[] = [];
	const responses: ResponseRecord[] = [];
	const waiting: { count: number; resolve: () => void }[] = [];
	const file = join(await temporaryDirectory(t), 'door.mkv');
	const numbers = await writeRecordingOf(file, fragments);
	const { server, url, close } = await startServer(t, {
		clock,
		onRequest: (record) => requests.push(record),
		onResponseEnd: (record) => {
			responses.push(record);
			for (const { count, resolve } of waiting) if (responses.length >= count) resolve();
		},
		...options,
	});
	await server.archive.ingest('door', file);
	const bytes = await readFile(file);
	const sizeBytes = bytes.byteLength / fragments;
	const client = plainClient(t, url);
	const send = (operation: string, body: object) => client(operation, { StreamName: 'door', ...body });
	return {
		clock,
		url,
		requests,
		responses,
		numbers,
		chunks: numbers.map((_, index) => bytes.subarray(index * sizeBytes, (index + 1) * sizeBytes)),
		media: (...indexes) =>
			send('GetMediaForFragmentList', { Fragments: indexes.map((index) => numbers[index]) }),
		async list(members = {}) {
			const { body } = await send('ListFragments', { FragmentSelector: everything, ...members }).response;
			const { Fragments, NextToken } = JSON.parse(body.toString());
			const found = Fragments.map(({ FragmentNumber }: { FragmentNumber: string }) => FragmentNumber);
			return { numbers: found.sort(), token: NextToken };
		},
		send,
		close,
		ended: (count) =>
			new Promise((resolve) => {
				if (responses.length >= count) resolve();
				else waiting.push({ count, resolve });
			}),
	};
}
