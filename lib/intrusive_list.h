// A circular doubly-linked list whose links live in the elements: no allocation, O(1) unlink.
#pragma once

#include "lib/assert.h"

namespace ashlar {

// Base class of what can be in one IntrusiveList<T, Tag> at a time. The element must outlive its membership.
template <class Tag = void>
class ListLink {
public:
    ListLink() = default;
    ListLink(const ListLink&) = delete;
    ListLink& operator=(const ListLink&) = delete;
    ~ListLink() { ASHLAR_ASSERT(!is_linked()); }
    bool is_linked() const { return next_ != this; }
    void unlink() {
        prev_->next_ = next_;
        next_->prev_ = prev_;
        next_ = prev_ = this;
    }

private:
    template <class T, class U>
    friend class IntrusiveList;
    void insert_before(ListLink& position) {
        ASHLAR_ASSERT(!is_linked());
        prev_ = position.prev_;
        next_ = &position;
        prev_->next_ = this;
        position.prev_ = this;
    }
    ListLink* next_ = this;
    ListLink* prev_ = this;
};

// T derives from ListLink<Tag>. Not synchronized.
template <class T, class Tag = void>
class IntrusiveList {
    using Link = ListLink<Tag>;

public:
    class Iterator {
    public:
        explicit Iterator(Link* link) : link_(link) {}
        T& operator*() const { return static_cast<T&>(*link_); }
        T* operator->() const { return &static_cast<T&>(*link_); }
        Iterator& operator++() {
            link_ = IntrusiveList::next(link_);
            return *this;
        }
        bool operator==(const Iterator&) const = default;

    private:
        Link* link_;
    };

    IntrusiveList() = default;
    ~IntrusiveList() { clear(); }
    bool empty() const { return !head_.is_linked(); }
    void push_back(T& element) { static_cast<Link&>(element).insert_before(head_); }
    void push_front(T& element) { static_cast<Link&>(element).insert_before(*head_.next_); }
    T& front() {
        ASHLAR_ASSERT(!empty());
        return static_cast<T&>(*head_.next_);
    }
    T& back() {
        ASHLAR_ASSERT(!empty());
        return static_cast<T&>(*head_.prev_);
    }
    T* pop_front() {
        if (empty())
            return nullptr;
        T& element = front();
        static_cast<Link&>(element).unlink();
        return &element;
    }
    void clear() {
        while (pop_front() != nullptr) {
        }
    }
    Iterator begin() { return Iterator(head_.next_); }
    Iterator end() { return Iterator(&head_); }

private:
    static Link* next(Link* link) { return link->next_; }
    Link head_;
};

} // namespace ashlar
