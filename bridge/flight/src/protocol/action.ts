import type { Action, ActionType } from "../messages.js";
import { ProtoReader, ProtoWriter } from "./protobuf.js";

export function encodeAction(action: Action): Uint8Array {
  return new ProtoWriter().string(1, action.type).bytes(2, action.body).finish();
}

export function decodeAction(bytes: Uint8Array): { type: string; body: Uint8Array } {
  const reader = new ProtoReader(bytes);
  const action = { type: "", body: new Uint8Array(0) as Uint8Array };
  while (reader.next()) {
    if (reader.field === 1) action.type = reader.string();
    else if (reader.field === 2) action.body = reader.bytes();
    else reader.skip();
  }
  return action;
}

export function encodeActionType(type: ActionType): Uint8Array {
  return new ProtoWriter().string(1, type.type).string(2, type.description).finish();
}

export function decodeActionType(bytes: Uint8Array): ActionType {
  const reader = new ProtoReader(bytes);
  const type: ActionType = { type: "", description: "" };
  while (reader.next()) {
    if (reader.field === 1) type.type = reader.string();
    else if (reader.field === 2) type.description = reader.string();
    else reader.skip();
  }
  return type;
}
