import type { LocalArchive } from '../local-archive.js';
import type { LocalStream } from '../store/local-stream.js';
import type { RequestFields, StringBounds } from '../wire/request-fields.js';
import { invalidArgument, resourceNotFound } from '../wire/service-error.js';
import { STREAM_NAME } from '../wire/stream-name.js';

const STREAM_ARN: StringBounds = {
	maxLength: 1024,
	pattern: /^arn:[a-z\d-]+:kinesisvideo:[a-z0-9-]+:[0-9]+:[a-z]+\/[a-zA-Z0-9_.-]+\/[0-9]+$/,
};

/** The stream a request is about, once it is known that the request is valid. */
export interface RequestedStream {
	readonly name: string;
	/** Throws `ResourceNotFoundException` where the archive has no such stream. */
	find(archive: LocalArchive): LocalStream;
}

/**
 * Reads StreamName and StreamARN: one is needed, and both are fine where they mean the same stream. An ARN must carry the
 * stream's creation time; its region and account are not looked at.
 */
export function requestedStream(request: RequestFields): RequestedStream {
	const name = request.string('StreamName', STREAM_NAME);
	const arn = request.string('StreamARN', STREAM_ARN);
	const [, arnName, arnCreationMs] = arn?.split('/') ?? [];
	const requested = name ?? arnName;
	if (requested === undefined) throw invalidArgument('expected StreamName or StreamARN, got neither');
	if (name !== undefined && arnName !== undefined && name !== arnName) {
		throw invalidArgument(`expected StreamName and StreamARN to mean one stream, got ${name} and ${arn}`);
	}
	return {
		name: requested,
		find(archive) {
			const stream = archive.stream(requested);
			if (stream === undefined) throw resourceNotFound();
			const isItsArn = arnCreationMs === undefined || arnCreationMs === String(stream.metadata.creationMs);
			if (!isItsArn) throw resourceNotFound();
			return stream;
		},
	};
}
