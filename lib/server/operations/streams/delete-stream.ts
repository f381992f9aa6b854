import { invalidArgument, versionMismatch } from '../../wire/service-error.js';
import type { JsonOperation } from '../operation.js';
import { requestedStream } from '../requested-stream.js';
import { VERSION } from './stream-members.js';

/** DeleteStream: removes a stream and its media. Takes an ARN only. */
export const deleteStream: JsonOperation = {
	name: 'DeleteStream',
	path: '/deleteStream',
	respond(request, { archive }) {
		const requested = requestedStream(request);
		if (!requested.isByArn) throw invalidArgument('expected StreamARN to be a string, got nothing');
		const version = request.string('CurrentVersion', VERSION);
		requested.find(archive);
		return {
			kind: 'action',
			act: async () => {
				const stream = requested.find(archive);
				if (version !== undefined && version !== stream.metadata.version) throw versionMismatch();
				await archive.deleteStream(stream);
				return { kind: 'json', json: {} };
			},
		};
	},
};
