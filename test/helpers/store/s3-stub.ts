import { createServer, type IncomingMessage, type OutgoingHttpHeaders, type ServerResponse } from 'node:http';
import type { ExecutionContext } from 'ava';
import { listen } from '../service/listen.js';

/** A request, by the name of its operation and the key of its object. */
export interface StubRequest {
	readonly operation: string;
	readonly key: string;
}

/** A response, or one of S3's errors. */
interface StubResponse {
	readonly status?: number;
	readonly headers?: OutgoingHttpHeaders;
	readonly body?: string | Buffer;
	/** Whether the connection is closed after the body, however long it was to be. */
	readonly breaks?: boolean;
}

/** An S3 that shows what the servers of the registry do not: uploads that are left, and refusals. */
export interface S3Stub {
	readonly endpoint: string;
	readonly objects: Map<string, { readonly bytes: Buffer; readonly type: string }>;
	/** Uploads that are neither finished nor removed, by their identifier. */
	readonly uploads: Map<string, { readonly key: string; readonly parts: Map<number, Buffer> }>;
	readonly requests: StubRequest[];
	/** Bytes of parts whose requests have begun and are not over, and the most of them so far. */
	bytesUnderWay: number;
	mostBytesUnderWay: number;
	/** Called with each request before it is done; a response takes its place. */
	before: (request: StubRequest) => StubResponse | null;
	/** Called when it is done, before its response. */
	after: (request: StubRequest) => void | Promise<void>;
}

/** Starts one, with any bucket that is named. */
export async function startS3Stub(t: ExecutionContext): Promise<S3Stub> {
	const server = createServer((request, response) => {
		serve(stub, request, response).catch(() => response.destroy());
	});
	const stub: S3Stub = {
		endpoint: await listen(t, server),
		objects: new Map(),
		uploads: new Map(),
		requests: [],
		bytesUnderWay: 0,
		mostBytesUnderWay: 0,
		before: () => null,
		after: () => {},
	};
	return stub;
}

/** An error as S3 has it. */
export function refusal(status: number, name: string, headers: OutgoingHttpHeaders = {}): StubResponse {
	return {
		status,
		headers,
		body: `<Error><Code>${name}</Code><Message>because of ${name}</Message></Error>`,
	};
}

async function serve(stub: S3Stub, request: IncomingMessage, response: ServerResponse): Promise<void> {
	const { pathname, searchParams: query } = new URL(request.url ?? '/', stub.endpoint);
	const key = decodeURIComponent(pathname.split('/').slice(2).join('/'));
	const made = { operation: operationOf(request.method ?? '', query), key };
	const partBytes = made.operation === 'UploadPart' ? Number(request.headers['content-length']) : 0;
	stub.bytesUnderWay += partBytes;
	stub.mostBytesUnderWay = Math.max(stub.mostBytesUnderWay, stub.bytesUnderWay);
	try {
		const chunks: Buffer[] = [];
		for await (const chunk of request) chunks.push(chunk as Buffer);
		stub.requests.push(made);
		const {
			status = 200,
			headers = {},
			body = '',
			breaks = false,
		} = stub.before(made) ??
		done(stub, made, { query, headers: request.headers, body: Buffer.concat(chunks) });
		await stub.after(made);
		response.writeHead(status, headers);
		if (breaks) response.write(body, () => response.destroy());
		else response.end(body);
	} finally {
		stub.bytesUnderWay -= partBytes;
	}
}

const OPERATIONS: Readonly<Record<string, string>> = {
	'POST uploads': 'CreateMultipartUpload',
	'GET uploads': 'ListMultipartUploads',
	'PUT uploadId': 'UploadPart',
	'POST uploadId': 'CompleteMultipartUpload',
	'DELETE uploadId': 'AbortMultipartUpload',
	PUT: 'PutObject',
	GET: 'GetObject',
	HEAD: 'HeadObject',
	DELETE: 'DeleteObject',
};

function operationOf(method: string, query: URLSearchParams): string {
	const of = ['uploads', 'uploadId'].find((name) => query.has(name));
	return OPERATIONS[of === undefined ? method : `${method} ${of}`] ?? method;
}

/** Does what is requested. */
function done(
	stub: S3Stub,
	{ operation, key }: StubRequest,
	{ query, headers, body }: { query: URLSearchParams; headers: IncomingMessage['headers']; body: Buffer },
): StubResponse {
	const id = query.get('uploadId') ?? '';
	const upload = stub.uploads.get(id);
	const object = stub.objects.get(key);
	switch (operation) {
		case 'CreateMultipartUpload': {
			const made = `upload-${stub.requests.length}`;
			stub.uploads.set(made, { key, parts: new Map() });
			return { body: `<Result><UploadId>${made}</UploadId></Result>` };
		}
		case 'ListMultipartUploads': {
			const Initiated = new Date().toISOString();
			const found = [...stub.uploads].map(
				([made, { key: of }]) =>
					`<Upload><Key>${of}</Key><UploadId>${made}</UploadId><Initiated>${Initiated}</Initiated></Upload>`,
			);
			return { body: `<Result>${found.join('')}</Result>` };
		}
		case 'PutObject':
			stub.objects.set(key, { bytes: body, type: headers['content-type'] ?? '' });
			return {};
		case 'GetObject': {
			if (object === undefined) return refusal(404, 'NoSuchKey');
			const bytes = object.bytes.subarray(Number(/^bytes=(\d+)-$/.exec(headers.range ?? '')?.[1] ?? 0));
			const modified = new Date(Date.now() - 1000).toUTCString();
			return {
				headers: { etag: '"whole"', 'content-length': bytes.byteLength, 'last-modified': modified },
				body: bytes,
			};
		}
		case 'HeadObject':
			if (object === undefined) return { status: 404 };
			return { headers: { etag: '"whole"', 'content-length': object.bytes.byteLength } };
		case 'DeleteObject':
			stub.objects.delete(key);
			return { status: 204 };
		default:
	}
	if (upload === undefined) return refusal(404, 'NoSuchUpload');
	if (operation === 'UploadPart') {
		const source = headers['x-amz-copy-source'];
		const copied =
			source === undefined ? body : (stub.objects.get(String(source).replace(/^[^/]*\//, ''))?.bytes ?? body);
		upload.parts.set(Number(query.get('partNumber')), copied);
		if (source === undefined) return { headers: { etag: '"part"' } };
		return { body: '<CopyPartResult><ETag>"part"</ETag></CopyPartResult>' };
	}
	stub.uploads.delete(id);
	if (operation === 'AbortMultipartUpload') return { status: 204 };
	const numbers = [...upload.parts.keys()].sort((a, b) => a - b);
	const bytes = Buffer.concat(numbers.map((number) => upload.parts.get(number) as Buffer));
	stub.objects.set(key, { bytes, type: 'in parts' });
	return { body: '<Result><ETag>"whole"</ETag></Result>' };
}
