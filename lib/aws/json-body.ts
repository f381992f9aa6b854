import type { Readable } from 'node:stream';

/** The most that a response in JSON may have, in bytes: a page of 1,000 fragments has some 250 kB. */
export const MAX_JSON_BYTES = 16 * 1024 * 1024;

/** The most that a page of GetImages may have: the service's 100 MB, in base64 (service quotas). */
const MAX_IMAGES_BYTES = 144 * 1024 * 1024;

/** Name of the errors of a body that another try would not make any better. */
export const INVALID_BODY = 'InvalidResponse';

/** What `node:http` gives the SDK; of another transport it may be no more than a stream. */
interface Response extends Readable {
	readonly statusCode?: number;
	readonly headers?: Readonly<Record<string, string | string[] | undefined>>;
	readonly req?: { readonly path?: string };
}

/** What of a body came, for {@link findInvalidTime}: the SDK keeps the stream only. */
const texts = new WeakMap<object, Uint8Array>();

/**
 * Reads the body of a response in JSON for the SDK, which by itself reads any number of bytes. Fails where there are more
 * than the service ever sends, where they are compressed, which was not asked for, and where a good response does not
 * begin as an object.
 */
export async function readJsonBody(body: unknown): Promise<Uint8Array> {
	const response = body as Response;
	const encoding = response.headers?.['content-encoding'] ?? 'identity';
	if (encoding !== 'identity') {
		response.destroy();
		throw invalidBody(`expected a body without content-encoding, got \`${String(encoding)}\``);
	}
	const maxBytes = response.req?.path === '/getImages' ? MAX_IMAGES_BYTES : MAX_JSON_BYTES;
	const chunks: Uint8Array[] = [];
	let sizeBytes = 0;
	for await (const chunk of response) {
		sizeBytes += (chunk as Uint8Array).byteLength;
		// Leaving the loop destroys the response, and closes its connection.
		if (sizeBytes > maxBytes) throw invalidBody(`expected at most ${maxBytes} bytes of JSON, got more`);
		chunks.push(chunk as Uint8Array);
	}
	const bytes = Buffer.concat(chunks);
	const isGood = response.statusCode !== undefined && response.statusCode < 300;
	const start = bytes.subarray(0, MAX_SHOWN_BYTES).toString().trimStart();
	if (isGood && start !== '' && !start.startsWith('{')) {
		throw invalidBody(`expected a JSON object, got \`${start}\``);
	}
	texts.set(response, bytes);
	return bytes;
}

/** How much of a body is shown that is not JSON. */
const MAX_SHOWN_BYTES = 40;

/**
 * The member of a response that the SDK failed to read as a time, and what came: `Fragments[3].ServerTimestamp`. Null where
 * all of them are numbers, and where the response is unknown.
 */
export function findInvalidTime(error: unknown): { member: string; value: unknown } | null {
	const { $response: response } = error as { $response?: { body?: unknown } };
	const bytes = texts.get(Object(response?.body));
	if (bytes === undefined) return null;
	try {
		return findTime(JSON.parse(new TextDecoder().decode(bytes)), '', '');
	} catch {
		// Not JSON, or nested without end: that is what the SDK's own error says.
		return null;
	}
}

function findTime(value: unknown, path: string, name: string): { member: string; value: unknown } | null {
	if (/time(stamp)?$/i.test(name) && typeof value !== 'number' && value !== null) {
		return { member: path, value };
	}
	if (value === null || typeof value !== 'object') return null;
	for (const [key, member] of Object.entries(value)) {
		const place = Array.isArray(value) ? `[${key}]` : path === '' ? key : `.${key}`;
		const found = findTime(member, `${path}${place}`, key);
		if (found !== null) return found;
	}
	return null;
}

function invalidBody(message: string): Error {
	return Object.assign(new Error(message), { name: INVALID_BODY });
}
