/**
 * The body of an answer, no larger than it may be: whoever reads it holds in memory what is not complete yet.
 *
 *   whole    all of it together
 *   events   each event of a stream that has no end (`text/event-stream`, WHATWG HTML, "Server-sent events"): it is let
 *            go of once a blank line ends it
 */

/** Takes the bytes that came next. Tells how many there are of what is not complete yet, at most so far. */
type Count = (piece: Uint8Array) => number;

/** Its body fails once it is larger than `most` bytes. */
export function bounded(response: Response, most: number, by: 'whole' | 'events'): Response {
  if (!response.body) return response;
  const count = by === 'whole' ? wholeCount() : eventCount();
  const what = by === 'whole' ? 'answered with' : 'sent an event of';
  const limit = new TransformStream<Uint8Array, Uint8Array>({
    transform(piece, controller) {
      if (count(piece) > most) controller.error(new Error(`the server ${what} more than ${most} bytes`));
      else controller.enqueue(piece);
    },
  });
  return new Response(response.body.pipeThrough(limit), response);
}

function wholeCount(): Count {
  let bytes = 0;
  return (piece) => {
    bytes += piece.length;
    return bytes;
  };
}

const LF = 0x0a;
const CR = 0x0d;

/** A line ends with LF, CR, or CR LF; an event with an empty line. */
export function eventCount(): Count {
  let event = 0;
  let line = 0;
  let isAfterCr = false;
  return (piece) => {
    let most = 0;
    for (const byte of piece) {
      event += 1;
      most = Math.max(most, event);
      if (byte === LF && isAfterCr) {
        isAfterCr = false; // the second half of one line end
        continue;
      }
      isAfterCr = byte === CR;
      if (byte !== LF && byte !== CR) {
        line += 1;
        continue;
      }
      if (line === 0) event = 0;
      line = 0;
    }
    return most;
  };
}
