import { ArchiveError } from '../../../errors.js';
import type { LocalStream } from '../../store/local-stream.js';
import type { StreamMetadata } from '../../store/stream-metadata.js';
import type { RequestFields } from '../../wire/request-fields.js';
import { resourceNotFound, versionMismatch } from '../../wire/service-error.js';
import type { OperationContext, OperationResult } from '../operation.js';
import { requestedStream } from '../requested-stream.js';
import { VERSION } from './stream-members.js';
import { newVersion } from './stream-version.js';

/** What an operation changes of a stream, given what it is when the change is made. Throws `ServiceError`. */
export type MetadataChange = (
	metadata: StreamMetadata,
) => Partial<Omit<StreamMetadata, 'name' | 'creationMs' | 'version'>>;

/**
 * The result of an operation that changes a stream: one change after the other, each of what the one before has left, with
 * an empty response.
 */
export function streamChange(
	stream: LocalStream,
	{ archive }: OperationContext,
	change: (metadata: StreamMetadata) => Partial<Omit<StreamMetadata, 'name' | 'creationMs'>>,
): OperationResult {
	return {
		kind: 'action',
		act: async () => {
			await archive.updateStream(stream, change).catch((error: unknown) => {
				const isDeleted = error instanceof ArchiveError && error.code === 'KVS_NOT_FOUND';
				throw isDeleted ? resourceNotFound() : error;
			});
			return { kind: 'json', json: {} };
		},
	};
}

/**
 * The result of an operation that changes a stream from the version that it names, CurrentVersion, to another. Of two changes
 * of one version the second gets `VersionMismatchException`.
 */
export function versionedChange(
	request: RequestFields,
	context: OperationContext,
	change: MetadataChange,
): OperationResult {
	const requested = requestedStream(request);
	const version = request.requiredString('CurrentVersion', VERSION);
	return streamChange(requested.find(context.archive), context, (metadata) => {
		if (metadata.version !== version) throw versionMismatch();
		return { ...change(metadata), version: newVersion(context.randomInt) };
	});
}
