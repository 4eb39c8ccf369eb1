/** A line of a timeline. */
export interface Track {
  /** Among all tracks, from 1. */
  readonly number: number;
  readonly name: string;
}

interface OpenTrack extends Track {
  /** When the newest slice on it ends. */
  end: number;
}

/** Clocks of neighbouring calls are read apart: so much overlap, in nanoseconds, is none. */
const tolerance = 2000;

/**
 * Gives slices tracks on which they do not overlap, as viewers demand: those of one thread share a track as long as they run one
 * after the other. The same slices in the same order get the same tracks.
 */
export class Tracks {
  readonly #threads = new Map<string, OpenTrack[]>();
  #count = 0;

  /** A track of `thread` that is free from `start` to `end`; the slice begins at the start that is returned. */
  place(thread: string, start: number, end: number): { track: Track; isNew: boolean; start: number } {
    const tracks = this.#of(thread);
    for (const track of tracks) {
      if (track.end > start + tolerance) continue;
      const begins = Math.min(Math.max(start, track.end), end);
      const isNew = track.end === Number.NEGATIVE_INFINITY;
      track.end = Math.max(end, track.end);
      return { track, isNew, start: begins };
    }
    const track = this.#add(thread, tracks);
    track.end = end;
    return { track, isNew: true, start };
  }

  /** The first track of a thread. */
  main(thread: string): { track: Track; isNew: boolean } {
    const tracks = this.#of(thread);
    const known = tracks[0];
    return known === undefined ? { track: this.#add(thread, tracks), isNew: true } : { track: known, isNew: false };
  }

  #of(thread: string): OpenTrack[] {
    let tracks = this.#threads.get(thread);
    if (tracks === undefined) {
      tracks = [];
      this.#threads.set(thread, tracks);
    }
    return tracks;
  }

  #add(thread: string, tracks: OpenTrack[]): OpenTrack {
    const name = tracks.length === 0 ? thread : `${thread}, beside (${tracks.length})`;
    const track = { number: ++this.#count, name, end: Number.NEGATIVE_INFINITY };
    tracks.push(track);
    return track;
  }
}
