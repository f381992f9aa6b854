import type { LocalArchive } from '../local-archive.js';
import type { LocalStream } from '../store/local-stream.js';
import type { RequestFields } from '../wire/request-fields.js';
import { invalidArgument, resourceNotFound } from '../wire/service-error.js';
import { STREAM_ARN, STREAM_NAME } from '../wire/stream-name.js';

/** The stream a request is about, once it is known that the request is valid. */
export interface RequestedStream {
	readonly name: string;
	/** Whether the request named it by its ARN. */
	readonly isByArn: boolean;
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
		isByArn: arn !== undefined,
		find(archive) {
			const stream = archive.stream(requested);
			if (stream === undefined) throw resourceNotFound();
			const isItsArn = arnCreationMs === undefined || arnCreationMs === String(stream.metadata.creationMs);
			if (!isItsArn) throw resourceNotFound();
			return stream;
		},
	};
}
