import { START_MS } from '../playback/start-playback.js';

/** Members of GetClip besides the stream's: a range in milliseconds from {@link START_MS}, of the first hour unless it is said. */
export function clipOf(
	clock: 'SERVER' | 'PRODUCER' = 'PRODUCER',
	{ from = 0, to = 3_599_000 }: { from?: number; to?: number } = {},
): object {
	return {
		ClipFragmentSelector: {
			FragmentSelectorType: `${clock}_TIMESTAMP`,
			TimestampRange: { StartTimestamp: (START_MS + from) / 1000, EndTimestamp: (START_MS + to) / 1000 },
		},
	};
}

/** Asks for a clip of `door`. */
export function requestClip(
	url: string,
	members: object = clipOf(),
	init: RequestInit = {},
): Promise<Response> {
	const body = JSON.stringify({ StreamName: 'door', ...members });
	return fetch(`${url}/getClip`, { method: 'POST', body, ...init });
}

/** A clip of `door`, as a whole. Throws where it is refused. */
export async function readClip(url: string, members?: object): Promise<Buffer> {
	const response = await requestClip(url, members);
	if (response.status !== 200) throw new Error(`${response.status} ${await response.text()}`);
	return Buffer.from(await response.arrayBuffer());
}
